"""Cache folders: build them once, and again only when their inputs change."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

__all__ = ["cached", "digest", "key_of"]

LOCKS: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


def cached(folder: Path, key: str, make: Callable[[Path], None]) -> Path:
    """Return `folder`. If it was not made with the same `key`, delete it and let `make` fill it first.

    An interrupted `make` is repeated, because the key is written last. If several threads need the same folder, one of
    them makes it and the others wait.
    """
    with LOCKS[folder]:
        if not folder.is_dir() or key_of(folder) != key:
            _stamp(folder).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder)
            _stamp(folder).write_text(key)
        return folder


def key_of(folder: Path) -> str:
    """Return the key that `folder` was made with, or an empty string if it is incomplete."""
    stamp = _stamp(folder)
    return stamp.read_text() if stamp.exists() else ""


def digest(*paths: Path) -> str:
    """Return a hash of the names and contents of files, and of all files in folders except compiled Python."""
    found = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                content = file.read_bytes()
                found.update(f"{file.relative_to(path.parent)} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _stamp(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.key")
