"""`examine` and the command doctor."""

import json
import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.shared.backend_cases import EVERY_BACKEND

from mnist_runtime import BACKENDS
from mnist_runtime.device.self_test import examine


@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_every_installed_backend_works(backend: str) -> None:
    found = examine(backend)
    assert (found.state, found.fix) == ("works", "")
    assert found.detail.startswith(backend)


def test_modules_in_the_current_folder_are_not_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError\n")
    monkeypatch.chdir(tmp_path)
    assert examine("numpy").state == "works"


@pytest.fixture
def impostor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that replaces onnxruntime in every new process."""

    def pretend(code: str) -> None:
        package = tmp_path / "onnxruntime"
        package.mkdir()
        (package / "__init__.py").write_text(textwrap.dedent(code))
        monkeypatch.syspath_prepend(tmp_path)
        path = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), path])))

    return pretend


@pytest.mark.parametrize(
    ("code", "detail", "fix"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "SIGILL: this processor lacks", "another release"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV: it crashed", "another release"),
        ("import os; os._exit(0)", "ended the process with code 0", "--force-reinstall"),
        ("raise ImportError('libc.so.6: version `GLIBC_2.34 not found')", "import: ImportError", "newer system"),
        ("raise ImportError('x.so: wrong ELF class: ELFCLASS32')", "import: ImportError", "word length"),
        ("raise ImportError('numpy.core.multiarray failed to import')", "import: ImportError", "numpy<2"),
        ("", "load: ", "--force-reinstall"),
    ],
)
def test_a_broken_backend_is_diagnosed(impostor: Callable[[str], None], code: str, detail: str, fix: str) -> None:
    impostor(code)
    found = examine("onnxruntime")
    assert found.state == "broken"
    assert detail in found.detail
    assert fix in found.fix


def test_a_missing_backend_has_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    found = examine("litert")
    assert (found.state, found.detail) == ("missing", "not installed")
    assert found.fix.startswith(("pip install", "no wheel exists"))
    assert "--force-reinstall" not in found.fix


@pytest.mark.long
def test_the_command_lists_every_backend(run: Callable[..., object]) -> None:
    done = run("mnist-runtime", "doctor", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert [entry["backend"] for entry in facts["backends"]] == list(BACKENDS)
    assert facts["python"].startswith("3.")
    found = run("mnist-runtime", "doctor").stdout
    assert all(name in found for name in BACKENDS)
    assert max(map(len, found.splitlines())) <= 80


@pytest.mark.long
def test_the_command_fails_if_no_backend_works(run: Callable[..., object], tmp_path: Path) -> None:
    for row in BACKENDS.values():
        if row.module != "numpy":
            (tmp_path / row.module).mkdir()
            (tmp_path / row.module / "__init__.py").write_text("raise ImportError('broken')")
    done = run("mnist-runtime", "doctor", PYTHONPATH=str(tmp_path))
    expected = 0 if any(row.module == "numpy" for row in BACKENDS.values()) else 4
    assert done.returncode == expected
    assert "broken" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
