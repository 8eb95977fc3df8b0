"""`model_digest`: which model it was, for the record."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["model_digest"]


def model_digest(path: Path) -> str:
    """Return the SHA-256 of a file; of a folder, that of its lines ``<sha256>  <relative path>``, sorted by path."""
    if not path.is_dir():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*") if file.is_file())
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name}\n" for name, file in files]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
