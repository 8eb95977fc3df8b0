"""A backend opens no connection and creates no file. Traced by strace if it is installed, else by what is left."""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime import BACKENDS

INSTALLED = [
    name
    for name, row in BACKENDS.items()
    if importlib.util.find_spec(row.module) and not (row.numpy_below_2 and int(np.__version__.split(".")[0]) >= 2)
]
CLASSIFY = """
import numpy as np
from mnist_runtime import Classifier

Classifier.load(backend={backend!r}).predict(np.zeros((2, 28, 28), np.uint8))
"""
OPEN_SOCKETS = """
import os

for name in os.listdir("/proc/self/fd"):
    try:
        assert "socket:" not in os.readlink(f"/proc/self/fd/{name}"), "a connection is open"
    except FileNotFoundError:
        pass
"""
CALLS = "socket,connect,sendto,open,openat,creat,mkdir,mkdirat,rename,renameat,link,symlink,mknod"
SUSPICIOUS = re.compile(r"\b(?:socket|connect|sendto|creat|mkdir(?:at)?|rename(?:at)?|link|symlink|mknod)\(|O_CREAT")
HARMLESS = re.compile(r"(?:open|mk|rename|link|creat).*= -1 |/dev/null")


def can_trace() -> bool:
    strace = shutil.which("strace")
    return bool(strace) and subprocess.run([strace, "true"], capture_output=True, check=False).returncode == 0


def traces_of(run: Callable[..., subprocess.CompletedProcess[str]], code: str, folder: Path) -> list[str]:
    """Run Python code with another home folder; return its system calls and the files that it leaves."""
    trace, home = folder / "trace", folder / "home"
    home.mkdir()
    (folder / "code.py").write_text(code + OPEN_SOCKETS)
    words = [sys.executable, "-B", str(folder / "code.py")]
    if can_trace():
        words = ["strace", "-f", "-qq", "-e", f"trace={CALLS}", "-o", str(trace), *words]
    start = f"import os; os.execvp({words[0]!r}, {words!r})"
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(home))
    done = run("python", "-c", start, ORT_DISABLE_TELEMETRY=None, **places)
    assert (done.returncode, done.stderr) == (0, "")
    calls = trace.read_text().splitlines() if trace.exists() else []
    left = [str(path) for path in home.rglob("*")]
    return left + [line for line in calls if SUSPICIOUS.search(line) and not HARMLESS.search(line)]


@pytest.mark.parametrize("backend", INSTALLED)
def test_a_backend_connects_to_nothing_and_creates_no_file(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, backend: str
) -> None:
    assert traces_of(run, CLASSIFY.format(backend=backend), tmp_path) == []


def test_the_trace_sees_a_file_and_a_connection(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    code = "from pathlib import Path\nPath.home().joinpath('device id').write_text('7')"
    assert any("device id" in line for line in traces_of(run, code, tmp_path))
    code = "import socket\none = socket.socket()\none.close()"
    if can_trace():
        (tmp_path / "again").mkdir()
        assert any("socket(" in line for line in traces_of(run, code, tmp_path / "again"))
