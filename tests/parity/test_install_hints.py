"""Every ``pip install`` line in a message names what installs the package, on every system that it is printed on."""

import ast
import importlib.util
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mnist_exporters import FORMATS, MissingPackageError
from mnist_exporters.errors import missing_packages
from mnist_exporters.spec.precision import PACKAGES
from mnist_runtime import BACKENDS
from mnist_runtime.errors import REQUIREMENTS, install_command
from mnist_trainer.errors import EXTRAS, require_extras

ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("runtime", "trainer", "exporters") for path in sorted((ROOT / folder).rglob("*.py"))]

BUILDERS = {"packages.py", "errors.py"}
"""Modules whose functions build such lines."""

FOR_NUMPY_1 = "it was built for NumPy 1: pip install 'numpy<2'"
FOR_HEIC = "Install pillow-heif with: pip install pillow-heif. Or save it as JPEG."
PYTHONS = [(3, minor) for minor in range(10, 15)]


def extras(project: str) -> dict[str, list[Requirement]]:
    """Return the extras of a ``pyproject.toml``, and its own requirements under the empty name."""
    facts = tomllib.loads((ROOT / project).read_text())["project"]
    rows = {"": facts["dependencies"], **facts["optional-dependencies"]}
    return {extra: [Requirement(line) for line in lines] for extra, lines in rows.items()}


RUNTIME, WORKSHOP = extras("runtime/pyproject.toml"), extras("pyproject.toml")


def strings(path: Path) -> Iterator[str]:
    """Yield the texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def ends_with_a_spoilt_command(message: ast.JoinedStr) -> bool:
    """Return whether a command stands at the end of a message, with a period behind it."""
    parts = [
        str(part.value) if isinstance(part, ast.Constant) else "CMD" if "install_command" in ast.unparse(part) else "X"
        for part in message.values
    ]
    return bool(re.search(r"(: (pip|sudo apt) install [^.]*|CMD)\.$", "".join(parts)))


def test_a_command_at_the_end_of_a_message_has_no_period() -> None:
    """With the period, the copied command names a package that does not exist."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.JoinedStr) and ends_with_a_spoilt_command(node)), ast.unparse(node)


@pytest.mark.long
def test_only_the_builders_write_install_lines() -> None:
    found = {
        (path.name, text)
        for path in SOURCES
        if path.name not in BUILDERS
        for text in strings(path)
        if "pip install" in text
    }
    assert found == {("self_test.py", FOR_NUMPY_1), ("other_files.py", FOR_HEIC)}


@pytest.mark.parametrize("extra", REQUIREMENTS)
def test_a_line_of_the_runtime_installs_what_its_extra_does(extra: str) -> None:
    """On each Python with a wheel for the backend; on the others, another message is printed."""
    backend = next((row for row in BACKENDS.values() if row.extra == extra), None)
    for python in PYTHONS:
        if backend is not None and backend.no_wheel_reason(machine="aarch64", python=python, is_64_bit=True):
            continue
        here = {**default_environment(), "python_version": ".".join(map(str, python)), "extra": extra}
        wanted = [Requirement(str(row)) for row in RUNTIME[extra] if row.marker is None or row.marker.evaluate(here)]
        assert {f"{row.name}{row.specifier}" for row in wanted} == set(REQUIREMENTS[extra]), python
    # The newest OpenCV would replace NumPy 1.
    kept = ["numpy<2"] if extra == "watch" and np.__version__.startswith("1.") else []
    assert install_command(extra) == "pip install " + " ".join(f"'{row}'" for row in [*REQUIREMENTS[extra], *kept])


def test_every_extra_of_the_runtime_has_a_line() -> None:
    assert set(REQUIREMENTS) == set(RUNTIME) - {""}
    assert {row.extra for row in BACKENDS.values() if row.extra} <= set(REQUIREMENTS)


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_of_the_trainer_installs_what_the_message_names(extra: str) -> None:
    assert {canonicalize_name(row.name) for row in WORKSHOP[extra]} == set(EXTRAS[extra].values())


@pytest.mark.long
def test_every_extra_that_a_command_requires_exists() -> None:
    calls = [
        keyword.arg
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "require_extras"
        for keyword in node.keywords
        if keyword.arg
    ]
    assert set(calls) <= set(EXTRAS)
    assert calls


def test_every_package_of_an_export_is_installed_by_its_extra_or_always() -> None:
    needed = {package: row.extra for row in FORMATS.values() for package in row.packages}
    needed |= {package: precision.value for precision, package in PACKAGES.items()}
    for package, extra in needed.items():
        rows = WORKSHOP[""] + (WORKSHOP[extra] if extra else [])
        assert package in {canonicalize_name(row.name) for row in rows}, package


def test_one_line_installs_all_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingPackageError) as caught:
        require_extras(plots="--report", robustness="--robustness")
    assert str(caught.value) == (
        "--report needs matplotlib, --robustness needs scikit-image. "
        "Install with: pip install 'mnist-edge-export[plots,robustness]'"
    )
    error = missing_packages("tflite int4", {"litert-quantizer": "int4", "ai-edge-litert": None})
    assert str(error).endswith("Install with: pip install 'mnist-edge-export[int4]' ai-edge-litert")


def test_the_doctor_advises_no_interpreter_without_a_wheel() -> None:
    """Its last column is either the reason why there is none or the line that installs it."""
    for name, row in BACKENDS.items():
        for python in PYTHONS:
            reason = row.no_wheel_reason(machine="armv7l", python=python, is_64_bit=False)
            assert reason is None or re.match(r"no wheel exists ", reason), name


def test_mnist_evaluate_names_all_that_it_needs(here: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    absent = ("matplotlib", "skimage")
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name in absent else find(name, *rest))
    done = here("mnist-evaluate", "linear", "--data", "digits", "--report", "page", "--robustness")
    assert (done.returncode, done.stdout) == (4, "")
    assert "pip install 'mnist-edge-export[plots,robustness]'" in done.stderr
