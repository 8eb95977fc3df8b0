"""`Trial`: let the runtime prove itself in a guest with one backend, and compare its answers with the host's."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from mnist_runtime import BACKENDS
from mnist_tools.pi.emulator.guest import Guest, GuestError
from mnist_tools.pi.questions import Answers, Questions
from mnist_tools.pi.targets import TARGETS

__all__ = ["Trial", "require_diagnoses"]

PYTHON = "digits/venv/bin/python"
RUNTIME = "digits/venv/bin/mnist-runtime"


@dataclass(frozen=True)
class Trial:
    """One pair, installed.

    Parameters
    ----------
    target, backend : str
        Rows of `TARGETS` and of `mnist_runtime.BACKENDS`.
    guest : Guest
        The target.
    home : Path
        As `Stock.home` makes it.
    """

    target: str
    backend: str
    guest: Guest
    home: Path

    def run(self, questions: Questions, host: Answers, picture: Path) -> str:
        """Return what was found, in words. `picture` is of a seven.

        Raises
        ------
        GuestError
            If anything is not as it should be.
        """
        doctor = json.loads(self._say(RUNTIME, "doctor", "--json"))["backends"]
        require_diagnoses(self.target, self.backend, doctor)
        shutil.copy(picture, self.home)
        first = next(one["backend"] for one in doctor if one["state"] == "works")
        read = json.loads(self._say(RUNTIME, "classify", "--json", picture.name))
        if (read["backend"], read["results"][0]["digit"]) != (first, 7):
            raise GuestError(f"Expected {first} to read a 7 in {picture.name}, received {read}.")
        self._say(RUNTIME, "self-test", "--backend", self.backend)
        said = self._say(PYTHON, *questions.lay(self.backend, self.home))
        answers = Answers.read(said, self.home)
        compared = host.compare(answers, self.backend)
        words = "; ".join(f"{precision}: {found}" for precision, found in compared.items())
        if not all(found.passed for found in compared.values()):
            raise GuestError(f"Expected the host's scores, received others: {words}.")
        return f"{answers}; {words}"

    def _say(self, *command: str) -> str:
        """Run a command that must go well and be quiet about it; return what it says."""
        return self.guest.say(*command, home=self.home)


def require_diagnoses(target: str, backend: str, found: list[dict[str, str]]) -> None:
    """Make sure that ``mnist-runtime doctor`` says of each backend what is so, in `target` with `backend` installed.

    Parameters
    ----------
    target, backend : str
        Rows of `TARGETS` and of `mnist_runtime.BACKENDS`.
    found : list of dict
        The entry `backends` of what it says.

    Raises
    ------
    GuestError
        If one that is there does not work, or the advice for another is wrong.
    """
    row = TARGETS[target]
    there = {backend, "numpy", *(name for name in row.backends if BACKENDS[name].package in row.from_debian)}
    for one in found:
        name = one["backend"]
        state = "works" if name in there else "missing"
        fix = "" if name in there else "pip install" if name in row.backends else "no wheel"
        if one["state"] != state or not one["fix"].startswith(fix):
            raise GuestError(
                f"Expected the doctor to say of {name}: {state}, {fix or 'nothing to do'}; received {one}."
            )
