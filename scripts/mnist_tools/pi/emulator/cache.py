"""`kept`: a folder that is made once and found again while what it was made from stays the same."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

__all__ = ["digest", "kept", "key_of"]

LOCKS: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


def kept(folder: Path, key: str, make: Callable[[Path], None]) -> Path:
    """Return `folder`; unless it was made with the same `key`, `make` fills it anew first.

    One whose making was interrupted is made again: the key is written last. Of several threads one makes it, and the
    others wait.
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
    """Return the key that `folder` was made with; empty if it was not finished."""
    stamp = _stamp(folder)
    return stamp.read_text() if stamp.exists() else ""


def digest(*paths: Path) -> str:
    """Return a hash of what files, and all files in folders, are called and hold, save for what Python compiled."""
    found = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                content = file.read_bytes()
                found.update(f"{file.relative_to(path.parent)} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _stamp(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.key")
