"""Make one write of a Python program fail as on a full disk: ``python _full_disk.py NUMBER FOLDER MODULE ARGUMENT...``.

Every file that is opened for writing, and every folder that is made, in FOLDER counts; the one with the given number
raises `OSError` (ENOSPC). With the number 0 none does, and the file ``writes`` in FOLDER gets how many there were.
"""

from __future__ import annotations

import errno
import os
import runpy
import sys
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR


def main() -> None:
    """Run the module with the hook."""
    number, folder, module = int(sys.argv[1]), os.path.realpath(sys.argv[2]), sys.argv[3]
    writes = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal writes
        is_write = event == "os.mkdir" or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING)
        if is_write and isinstance(arguments[0], (str, bytes)):
            path = os.fsdecode(arguments[0])
            if os.path.realpath(path).startswith(folder):
                writes += 1
                if writes == number:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    sys.argv = sys.argv[3:]
    sys.addaudithook(hook)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        if number == 0:
            found = str(writes)
            Path(folder, "writes").write_text(found, encoding="ascii")


if __name__ == "__main__":
    main()
