"""``scripts/setup``: its usage, and extras that do not exist. Nothing is installed here."""

import subprocess
import tomllib

import pytest

from mnist_tools.checkout import ROOT

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def setup(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([ROOT / "scripts" / "setup", *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["test", "--help"]])
def test_help_names_all_extras(words: list[str]) -> None:
    done = setup(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: scripts/setup [EXTRA ...]\n")
    assert done.stdout.endswith(f"\nExtras: {', '.join(EXTRAS)}\n")


@pytest.mark.parametrize("words", [["tests"], ["c", "nothing"], [""], ["c docs"], ["*"], ["--extra"]])
def test_an_unknown_extra_is_wrong_usage(words: list[str]) -> None:
    done = setup(*words)
    assert (done.returncode, done.stdout) == (2, "")
    known = ", ".join(EXTRAS)
    assert done.stderr == f"error: There is no extra {words[-1]!r} in pyproject.toml. Choose from: {known}\n"


def test_the_packages_of_an_extra_of_the_runtime_are_named() -> None:
    done = setup("watch")
    assert done.returncode == 2
    command = 'scripts/setup && .venv/bin/pip install -c constraints.txt "opencv-python-headless>=4.6"'
    assert done.stderr.endswith(f"It is an extra of the runtime: {command}\n")
