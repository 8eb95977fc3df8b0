"""Which backend pip can install on a machine, and the command that installs it."""

from __future__ import annotations

from mnist_runtime.backends.registry import BACKENDS

__all__ = ["best_extra", "how_to_install"]


def how_to_install(
    backend: str, *, machine: str | None = None, python: tuple[int, int] | None = None, is_64_bit: bool | None = None
) -> str:
    """Return the command that installs `backend`, or why there is none.

    Parameters
    ----------
    backend : str
        A row of `BACKENDS`.
    machine, python, is_64_bit : optional
        Another system than this one; see `BackendRow.no_wheel_reason`.

    Returns
    -------
    str
        Empty if mnist-runtime itself requires the backend.

    Examples
    --------
    >>> how_to_install("litert", machine="aarch64", python=(3, 13), is_64_bit=True)
    "pip install 'mnist-runtime[litert]'"
    >>> how_to_install("tflite-runtime", machine="aarch64", python=(3, 13), is_64_bit=True)
    'no wheel exists above Python 3.11'
    """
    row = BACKENDS[backend]
    if row.extra is None:
        return ""
    reason = row.no_wheel_reason(machine=machine, python=python, is_64_bit=is_64_bit)
    return reason or f"pip install 'mnist-runtime[{row.extra}]'"


def best_extra(
    format: str, *, machine: str | None = None, python: tuple[int, int] | None = None, is_64_bit: bool | None = None
) -> str | None:
    """Return the extra of the preferred backend for files of `format` that pip can install.

    Parameters
    ----------
    format : str
        Such as ``"tflite"``.
    machine, python, is_64_bit : optional
        Another system than this one; see `BackendRow.no_wheel_reason`.

    Returns
    -------
    str or None
        None if no interpreter has a wheel; then only NumPy is left.

    Examples
    --------
    >>> best_extra("tflite", machine="aarch64", python=(3, 13), is_64_bit=True)
    'litert'
    >>> best_extra("tflite", machine="armv6l", python=(3, 11), is_64_bit=False)
    """
    for row in BACKENDS.values():
        reason = row.no_wheel_reason(machine=machine, python=python, is_64_bit=is_64_bit)
        if row.format == format and row.extra is not None and reason is None:
            return row.extra
    return None
