"""Error classes of all three packages, their exit codes, and functions for messages.

::

    ToolkitError                1
    ├── UsageError              2  (ValueError)
    ├── OutputError             2  (OSError)
    ├── MachineError            2  (RuntimeError)
    ├── MissingPackageError     4  (ImportError)
    ├── BackendError            4  (ImportError)
    ├── ModelError              5  (ValueError)
    ├── ArtifactError           5  (ValueError)
    │   ├── UnsealedError       5  (ArtifactError)
    │   ├── NotFiniteError      5  (ArtifactError)
    │   └── SignatureError      5  (ArtifactError)
    └── PictureError            6  (ValueError)
        └── BlankError          6  (PictureError)

`mnist_trainer.errors` and `mnist_exporters.errors` add their own.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from typing import ClassVar

__all__ = [
    "DOCUMENTATION",
    "REQUIREMENTS",
    "ArtifactError",
    "BackendError",
    "BlankError",
    "MachineError",
    "MissingPackageError",
    "ModelError",
    "NotFiniteError",
    "OutputError",
    "PictureError",
    "SignatureError",
    "ToolkitError",
    "UnsealedError",
    "UsageError",
    "counted",
    "first_line",
    "install_command",
    "listed",
    "machine_failure",
    "printable",
    "raise_machine_failure",
]

DOCUMENTATION = "docs"
"""Folder of the repository with the pages that messages name."""

WRAPPER = re.compile(
    r"Exception encountered when calling|Graph execution error:|Detected at node|<stack traces|"
    r"A total of \d+ objects could not be loaded|\s*$"
)
KERAS_CAUSE = "Exception encountered: "
COLOR_CODES = re.compile(r"\x1b\[\d*m")

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "litert": ("ai-edge-litert>=2.1",),
    "tflite": ("tflite-runtime==2.14.0", "numpy<2"),
    "onnx": ("onnxruntime>=1.16",),
    "images": ("pillow>=9.3",),
    "plots": ("matplotlib>=3.8",),
    "mqtt": ("paho-mqtt>=2.0",),
    "serve": ("pillow>=9.3", "python-multipart>=0.0.20", "starlette>=0.46", "uvicorn>=0.34"),
    "watch": ("opencv-python-headless>=4.6",),
}
"""Extra of mnist-runtime -> what it installs where wheels exist; a test compares it with ``runtime/pyproject.toml``."""

NUMPY_1 = "numpy<2"
"""Requirement that keeps an installed NumPy 1, such as for tflite-runtime."""


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


class ToolkitError(Exception):
    """An error that the user can fix; a command prints its message and ends with its `exit_code`."""

    exit_code: ClassVar[int] = 1
    page: ClassVar[str] = ""
    """Page of `DOCUMENTATION`, and its section, with more help; empty if there is none."""

    def __str__(self) -> str:
        return printable(super().__str__())


class UsageError(ToolkitError, ValueError):
    """An argument of a function or an option of a command is wrong."""

    exit_code = 2


class OutputError(ToolkitError, OSError):
    """A file cannot be written: the disk is full, or the folder is missing or read-only."""

    exit_code = 2


class MachineError(ToolkitError, RuntimeError):
    """The machine has too little memory, disk space or open files. No input file is wrong."""

    exit_code = 2


class MissingPackageError(ToolkitError, ImportError):
    """A needed package is not installed; the message has the line that installs it."""

    exit_code = 4


class BackendError(ToolkitError, ImportError):
    """The interpreter that is needed is not installed, or cannot work in this process."""

    exit_code = 4


class ModelError(ToolkitError, ValueError):
    """A Keras model is missing, damaged or not a digit classifier."""

    exit_code = 5
    page = "how-to/own-model.md"


class ArtifactError(ToolkitError, ValueError):
    """An exported file is missing, damaged, incompatible or not made by this toolkit."""

    exit_code = 5


class UnsealedError(ArtifactError):
    """A file does not end with its digest: another tool made it, or its end is missing."""

    page = "how-to/files-made-elsewhere.md"


class NotFiniteError(ArtifactError):
    """A model gave scores that are nan or infinity."""


class SignatureError(ArtifactError):
    """No trusted key signed a file, or the file was changed after it was signed."""

    page = "how-to/sign-and-verify.md#what-is-wrong"


class PictureError(ToolkitError, ValueError):
    """A picture is missing, unreadable, blank or of an unsuitable shape."""

    exit_code = 6


class BlankError(PictureError):
    """A picture shows nothing but background."""

    page = "explanation/photograph.md"


def printable(text: str) -> str:
    r"""Escape control characters, which could change the terminal or begin a line.

    Names of files, and names in files, may have them.

    Examples
    --------
    >>> printable("seven\x1b[31m.png\nerror: none")
    'seven\\x1b[31m.png\\nerror: none'
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or the plural.

    Examples
    --------
    >>> counted(1, "image"), counted(2000, "test image")
    ('1 image', '2,000 test images')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int) -> str:
    """Return the first names, at most `most`, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def first_line(error: BaseException | str) -> str:
    r"""Return the line of another library's error message that says what is wrong, at most 300 characters.

    If Keras wraps an error in its own text, this is the innermost cause.

    Examples
    --------
    >>> first_line(ValueError("Exception encountered when calling Dense.call().\n\nNo weights.\n\nArguments: ..."))
    'No weights'
    """
    lines = COLOR_CODES.sub("", str(error)).splitlines()
    causes = [line.rpartition(KERAS_CAUSE)[2] for line in lines if KERAS_CAUSE in line]
    first = next((line for line in lines if not WRAPPER.match(line)), type(error).__name__)
    return printable((causes[-1] if causes else first.strip())[:300].rstrip("."))


def install_command(*extras: str) -> str:
    """Return the command that installs the packages of `extras`.

    It names packages, not ``mnist-runtime[extra]``: on a workstation, mnist-runtime is a part of mnist-edge-export, and
    pip would look for it in the package index. The newest OpenCV needs NumPy 2. If NumPy 1 is installed, the command
    keeps it, so that pip chooses an older OpenCV.

    Examples
    --------
    >>> install_command("onnx", "images")
    "pip install 'onnxruntime>=1.16' 'pillow>=9.3'"
    """
    import numpy as np  # most messages do not need it

    wanted = dict.fromkeys(requirement for extra in extras for requirement in REQUIREMENTS[extra])
    if "watch" in extras and np.__version__.startswith("1."):
        wanted[NUMPY_1] = None
    return "pip install " + " ".join(f"'{requirement}'" for requirement in wanted)


def machine_failure(error: BaseException | None) -> MachineError | None:
    """Return a `MachineError` if the machine caused `error`, such as a full disk; else None."""
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
