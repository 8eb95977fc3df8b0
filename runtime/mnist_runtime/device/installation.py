"""`how_to_install` and `best_extra`: what pip finds for this Python and this machine."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from mnist_runtime.backends.registry import BACKENDS

__all__ = ["best_extra", "how_to_install"]

SIXTY_FOUR = ("x86_64", "amd64", "aarch64", "arm64")


@dataclass(frozen=True)
class Wheels:
    """For what an interpreter has wheels on the package index.

    Parameters
    ----------
    machines : tuple of str
        As `platform.machine` says, in lower case.
    newest_python : (int, int)
        Above it pip finds nothing.
    requirement : str
        What to install.
    """

    machines: tuple[str, ...]
    newest_python: tuple[int, int]
    requirement: str


WHEELS: dict[str, Wheels] = {
    "litert": Wheels(SIXTY_FOUR, (3, 14), "'mnist-runtime[litert]'"),
    "tflite-runtime": Wheels((*SIXTY_FOUR, "armv7l"), (3, 11), "'mnist-runtime[tflite]'"),
    "onnxruntime": Wheels(SIXTY_FOUR, (3, 14), "'mnist-runtime[onnx]'"),
}
"""As of November 2026. The newest NumPy that tflite-runtime bears is below 2, which its extra asks for."""


def how_to_install(
    backend: str, *, machine: str | None = None, python: tuple[int, int] | None = None, is_64_bit: bool | None = None
) -> str:
    """Return the line that installs `backend` here, or a sentence that says why there is none.

    Parameters
    ----------
    backend : str
        A row of `BACKENDS`.
    machine, python, is_64_bit : optional
        Another place than this; a 32-bit system on a 64-bit kernel calls its machine ``aarch64``.

    Examples
    --------
    >>> how_to_install("litert", machine="aarch64", python=(3, 13), is_64_bit=True)
    "pip install 'mnist-runtime[litert]'"
    >>> how_to_install("tflite-runtime", machine="aarch64", python=(3, 13), is_64_bit=True)
    'has no wheel above Python 3.11'
    >>> how_to_install("litert", machine="armv6l", python=(3, 11), is_64_bit=False)
    'has no wheel for armv6l'
    """
    missing = _no_wheel(backend, machine, python, is_64_bit)
    return missing or f"pip install {WHEELS[backend].requirement}"


def best_extra(
    format: str, *, machine: str | None = None, python: tuple[int, int] | None = None, is_64_bit: bool | None = None
) -> str | None:
    """Return the extra that brings the first choice of interpreter for files of `format`, of those that install here.

    Parameters
    ----------
    format : str
        Such as ``"tflite"``.
    machine, python, is_64_bit : optional
        As for `how_to_install`.

    Returns
    -------
    str or None
        None where no interpreter has a wheel, and NumPy alone is left.

    Examples
    --------
    >>> best_extra("tflite", machine="aarch64", python=(3, 13), is_64_bit=True)
    'litert'
    >>> best_extra("tflite", machine="armv6l", python=(3, 11), is_64_bit=False)
    """
    for name in WHEELS:
        if BACKENDS[name].format == format and not _no_wheel(name, machine, python, is_64_bit):
            return BACKENDS[name].extra
    return None


def _no_wheel(backend: str, machine: str | None, python: tuple[int, int] | None, is_64_bit: bool | None) -> str | None:
    """Say why pip finds no wheel; None where it does."""
    wheels = WHEELS[backend]
    here = (machine or platform.machine()).lower()
    if not (sys.maxsize > 2**32 if is_64_bit is None else is_64_bit) and here in SIXTY_FOUR:
        here = "armv7l" if here in ("aarch64", "arm64") else "a 32-bit system"
    if here not in wheels.machines:
        return f"has no wheel for {here}"
    if (python or sys.version_info[:2]) > wheels.newest_python:
        return f"has no wheel above Python {'.'.join(map(str, wheels.newest_python))}"
    return None
