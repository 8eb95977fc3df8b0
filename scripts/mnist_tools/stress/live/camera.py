"""`Camera`: a device that sends frames to the program that opens it, and that can be unplugged."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["Camera"]

Pixels = npt.NDArray[np.uint8]

AHEAD = 5_500_000
"""Number of bytes that are sent without delay at the start: FFmpeg reads five million to recognize a stream."""


class Camera:
    """A simulated camera: a pseudo-terminal in raw mode that sends one JPEG picture after another.

    Like a camera, it is a character device. After `unplug`, its readers get an error and its path does not exist.

    Parameters
    ----------
    path : Path
        Path of the device, created as a symbolic link.
    frame : callable
        Function that returns the next frame (h, w, 3), dtype uint8. It is called for each frame.
    rate : float
        Frames per second.
    """

    def __init__(self, path: Path, frame: Callable[[], Pixels], rate: float) -> None:
        self.path, self._frame, self.rate = path, frame, rate
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def plug_in(self) -> None:
        """Create the device and start sending."""
        master, device = os.openpty()
        tty.setraw(device)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(device))
        self._stopped.clear()
        self._thread = threading.Thread(target=self._send, args=(master, device), daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """End the device; sent frames that are not yet read are lost."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self.path.unlink(missing_ok=True)

    def _send(self, master: int, device: int) -> None:
        import cv2  # optional

        os.set_blocking(master, False)
        sent, due = 0, time.monotonic()
        with contextlib.suppress(OSError):
            while not self._stopped.is_set():
                picture = cv2.imencode(".jpg", self._frame()[..., ::-1])[1].tobytes()
                left = memoryview(picture)
                while left and not self._stopped.is_set():
                    if select.select([], [master], [], 0.1)[1]:
                        with contextlib.suppress(BlockingIOError):
                            left = left[os.write(master, left[:4096]) :]
                sent += len(picture)
                if sent >= AHEAD:
                    due = max(due + 1 / self.rate, time.monotonic() - 1)
                    time.sleep(max(0.0, due - time.monotonic()))
        os.close(master)
        os.close(device)
