"""Helpers for the two C files of an export: identifiers, arrays of numbers, and the digest that both files contain."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_runtime import ArtifactError, Manifest

__all__ = [
    "NO_DIGEST",
    "array_of",
    "c_string",
    "identifier",
    "initializer",
    "manifest_comment",
    "manifest_of",
    "numbers_text",
    "read_pair",
    "stamped_pair",
]

WIDTH = 110
"""Maximum length of a line of numbers, in characters."""

NO_DIGEST = "0" * 64
"""Placeholder in both files while their digest is computed."""

BEGIN, END = "manifest:\n", "\n*/"
"""Text before and after the manifest in a comment of the header."""


def identifier(stem: str) -> str:
    """Turn a file name without suffix into a C identifier.

    Raises
    ------
    UsageError
        If `stem` cannot be part of an ``#include`` line.

    Examples
    --------
    >>> identifier("cnn-int8")
    'cnn_int8'
    """
    if not stem.isprintable() or set(stem) & set('"\\'):
        raise UsageError(
            f"C cannot include a file named {stem!r}. Give another name with --output, without quotes and backslashes."
        )
    name = re.sub(r"\W", "_", stem, flags=re.ASCII).lower()
    return f"model_{name}" if not name or name[0].isdigit() or name[0] == "_" else name


def c_string(text: str) -> str:
    r"""Return a C string literal, in which bytes outside of ASCII are octal escapes.

    Examples
    --------
    >>> print(c_string('say "é"?'))
    "say \"\303\251\"\?"
    """
    return '"' + "".join(map(_character, text.encode())) + '"'


def _character(byte: int) -> str:
    if chr(byte) in '"\\?':  # a question mark could begin a trigraph
        return f"\\{chr(byte)}"
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def numbers_text(numbers: npt.NDArray[Any]) -> str:
    """Return the lines of an array's initializer."""
    return initializer(map(str, numbers.reshape(-1).tolist()), WIDTH)


def initializer(members: Iterable[str], width: int) -> str:
    r"""Return the lines of an initializer, with commas. A line has at most `width` characters and the indentation.

    Examples
    --------
    >>> initializer(["1", "20", "300"], 6)
    '  1, 20,\n  300'
    """
    lines, line = [], ""
    for member in members:
        word = f"{member},"
        if line and len(line) + len(word) + 1 > width:
            lines.append(f"  {line}")
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, f"  {line}"]).removesuffix(",")


def array_of(source: str, name: str, dtype: type[np.integer[Any]]) -> npt.NDArray[Any]:
    """Return the numbers of the array `name`.

    Raises
    ------
    ArtifactError
        If there is no such array, for example because the files were renamed.
    """
    found = re.search(rf"\b{name}\[[^=;]*=\s*\{{([-\d,\s]*)\}};", source)
    if not found:
        raise ArtifactError(f"The source file has no array {name}. Keep the names of both files, or export them again.")
    return np.array([int(number) for number in re.findall(r"-?\d+", found[1])], dtype)


def manifest_comment(manifest: Manifest) -> str:
    """Return the last lines of the header's first comment, which contain the manifest as JSON."""
    # The manifest must not contain "*/" or "/*". JSON allows both escapes.
    return BEGIN + manifest.to_json().replace("*/", "*\\/").replace("/*", "/\\u002a") + END


def manifest_of(header: str) -> Manifest:
    """Return the manifest in the header."""
    return Manifest.from_json(header.partition(BEGIN)[2].partition(END)[0])


def stamped_pair(header: str, source: str) -> tuple[str, str]:
    """Return both texts, with their common digest instead of `NO_DIGEST`."""
    digest = hashlib.sha256((header + source).encode()).hexdigest()
    return _stamped(header, NO_DIGEST, digest), _stamped(source, NO_DIGEST, digest)


def read_pair(path: Path, suffix: str) -> tuple[str, str]:
    """Return header and source, and check the digest that both contain.

    Parameters
    ----------
    path : Path
        One of the two files.
    suffix : str
        Suffix of the source file.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged, or the two come from different exports.
    """
    path, beside = path.with_suffix(".h"), path.with_suffix(suffix)
    try:
        header, source = path.read_text("utf-8"), beside.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(
            f"{path} and the {suffix} file beside it cannot both be read ({error}). Export them again."
        ) from error
    found = re.search(r'_SHA256 "([0-9a-f]{64})"', header)
    if not found or _digest(header, source, found[1]) != found[1]:
        raise ArtifactError(
            f"{path} and its {suffix} file were changed or come from different exports (SHA-256 differs). Export them "
            "again."
        )
    return header, source


def _digest(header: str, source: str, digest: str) -> str:
    """Return the SHA-256 of both texts, computed with `NO_DIGEST` instead of `digest`."""
    return hashlib.sha256(
        (_stamped(header, digest, NO_DIGEST) + _stamped(source, digest, NO_DIGEST)).encode()
    ).hexdigest()


def _stamped(text: str, old: str, new: str) -> str:
    """Replace the digest `old` by `new`. The text also contains its first 32 bits, as a number for the preprocessor."""
    return text.replace(old, new).replace(f" 0x{old[:8]}u\n", f" 0x{new[:8]}u\n")
