"""`machine_failure`: tell a failure of the machine, such as a full disk, from a fault of a file."""

from __future__ import annotations

import errno
import re

from mnist_runtime.errors import MachineError, ToolkitError

__all__ = ["machine_failure", "raise_machine_failure"]

SPACE = "A disk is full. Free some space, or set TMPDIR to a folder on another disk."
FILES = "Too many files are open at once. Raise the limit, for example with: ulimit -n 1024"
MEMORY = "There is too little memory. Close other programs, or raise the limit with: ulimit -v unlimited"
SIZE = "A file would be larger than the limit of this session. Raise it with: ulimit -f unlimited"
THREADS = "No more threads or processes can be started. Close other programs, or raise the limit: ulimit -u"
BROKEN = "A disk reports an error (EIO). Check the disk."
NO_FOLDER = "There is no folder for temporary files. Set TMPDIR to a folder that can be written."

CODES = {
    errno.ENOSPC: SPACE,
    errno.EDQUOT: SPACE,
    errno.EMFILE: FILES,
    errno.ENFILE: FILES,
    errno.ENOMEM: MEMORY,
    errno.EFBIG: SIZE,
    errno.EIO: BROKEN,
}
"""Code of an `OSError` -> message."""

PATTERNS = (
    (r"No space left on device|Disk quota exceeded", SPACE),
    (r"Too many open files", FILES),
    (
        r"[Cc]annot allocate memory|OOM when allocating|bad_alloc|bad allocation|failed to map segment|"
        r"Unable to allocate [\d.]+ \wiB",  # NumPy, in a text of Keras
        MEMORY,
    ),
    (r"File too large", SIZE),
    (r"can't start new thread", THREADS),
    (r"No usable temporary directory", NO_FOLDER),
)
"""Pattern in messages of native libraries -> our message."""


def machine_failure(error: BaseException | None) -> MachineError | None:
    """Return the error that describes a failure of the machine, if that is what caused `error`.

    Examples
    --------
    >>> print(machine_failure(OSError(24, "Too many open files")))
    Too many files are open at once. Raise the limit, for example with: ulimit -n 1024
    >>> machine_failure(ValueError("The file is damaged."))
    """
    while error is not None:
        if isinstance(error, MachineError):
            return error
        if not isinstance(error, ToolkitError) and (message := _message(error)):
            return MachineError(message)
        error = error.__cause__
    return None


def raise_machine_failure(error: BaseException) -> None:
    """Raise a `MachineError` if the machine caused `error`, not a wrong file."""
    if failure := machine_failure(error):
        raise failure from error


def _message(error: BaseException) -> str | None:
    if isinstance(error, MemoryError):
        return MEMORY
    if isinstance(error, OSError) and error.errno in CODES:
        return CODES[error.errno]
    return next((message for pattern, message in PATTERNS if re.search(pattern, str(error))), None)
