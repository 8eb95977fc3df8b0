"""`Trial`: test the runtime in a guest with one backend, and compare its scores with those of the host."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_runtime import BACKENDS
from mnist_runtime.device.measure import QUICK, bench
from mnist_tools.pi.emulator.guest import Guest, GuestError
from mnist_tools.pi.targets import TARGETS
from mnist_tools.pi.workload import ProbeResult, Workload

__all__ = ["Trial", "fields", "require_diagnoses"]

PYTHON = "digits/venv/bin/python"
RUNTIME = "digits/venv/bin/mnist-runtime"


@dataclass(frozen=True)
class Trial:
    """One target with one backend installed.

    Parameters
    ----------
    target, backend : str
        Rows of `TARGETS` and of `mnist_runtime.BACKENDS`.
    guest : Guest
        The running system.
    home : Path
        Home folder made by `Stock.home`.
    """

    target: str
    backend: str
    guest: Guest
    home: Path

    def run(self, workload: Workload, host: ProbeResult, picture: Path) -> str:
        """Run ``doctor``, ``classify``, ``self-test`` and the probe; return a summary.

        Parameters
        ----------
        workload : Workload
            Images and files to classify.
        host : ProbeResult
            Scores of the host.
        picture : Path
            A picture of a seven.

        Raises
        ------
        GuestError
            If a command fails or a result differs.
        """
        doctor = json.loads(self._output(RUNTIME, "doctor", "--json"))["backends"]
        require_diagnoses(self.target, self.backend, doctor)
        shutil.copy(picture, self.home)
        first = next(one["backend"] for one in doctor if one["state"] == "works")
        read = json.loads(self._output(RUNTIME, "classify", "--json", picture.name))
        if (read["backend"], read["results"][0]["digit"]) != (first, 7):
            raise GuestError(f"{first} should read a 7 in {picture.name}, but the result is {read}.")
        self._output(RUNTIME, "self-test", "--backend", self.backend)
        result = ProbeResult.read(self._output(PYTHON, *workload.prepare(self.backend, self.home)), self.home)
        compared = host.compare(result, self.backend)
        words = "; ".join(f"{precision}: {found}" for precision, found in compared.items())
        if not all(found.passed for found in compared.values()):
            raise GuestError(f"The scores differ from those of the host: {words}.")
        return f"{result}; {words}"

    def bench(self) -> dict[str, Any]:
        """Return the JSON of ``mnist-runtime bench``. Only its fields matter: times of an emulator are useless.

        Raises
        ------
        GuestError
            If the output lacks a field that it has on this machine, or the reverse.
        """
        found: dict[str, Any] = json.loads(
            self._output(RUNTIME, "bench", "--quick", "--backend", self.backend, "--json")
        )
        here = fields(bench(backend="numpy", plan=QUICK).as_dict())
        if fields(found) != here:
            differing = ", ".join(sorted(fields(found) ^ here))
            raise GuestError(f"The fields of bench differ from those of this machine: {differing}.")
        return found

    def _output(self, *command: str) -> str:
        """Run a command that must succeed without messages; return what it prints."""
        return self.guest.output(*command, home=self.home)


def fields(found: object, name: str = "") -> set[str]:
    """Return the names of all fields of JSON, those of lists once.

    Examples
    --------
    >>> sorted(fields({"a": 1, "b": [{"c": 2}, {"c": 3}]}))
    ['.a', '.b', '.b.c']
    """
    if isinstance(found, dict):
        return set().union(*({f"{name}.{key}"} | fields(value, f"{name}.{key}") for key, value in found.items()))
    return set().union(*(fields(value, name) for value in found)) if isinstance(found, list | tuple) else set()


def require_diagnoses(target: str, backend: str, found: list[dict[str, str]]) -> None:
    """Check what ``mnist-runtime doctor`` reports about each backend in `target`, where `backend` is installed.

    Parameters
    ----------
    target, backend : str
        Rows of `TARGETS` and of `mnist_runtime.BACKENDS`.
    found : list of dict
        The entry ``backends`` of its JSON output.

    Raises
    ------
    GuestError
        If an installed backend does not work, or the advice for another one is wrong.
    """
    row = TARGETS[target]
    there = {backend, "numpy", *(name for name in row.backends if BACKENDS[name].package in row.from_debian)}
    for one in found:
        name = one["backend"]
        state = "works" if name in there else "missing"
        fix = "" if name in there else "pip install" if name in row.backends else "no wheel"
        if one["state"] != state or not one["fix"].startswith(fix):
            raise GuestError(f"The doctor should report {name} as {state} ({fix or 'no advice'}), but reports {one}.")
