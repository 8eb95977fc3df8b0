"""`Guest`: another system's root folder, whose programs run here on an emulated processor."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mnist_runtime import BackendError, ToolkitError
from mnist_tools.pi.emulator.packages import require

__all__ = ["EMULATORS", "Guest", "GuestError", "require_isolation"]

ENTER = Path(__file__).with_name("enter")
ISOLATED = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""In namespaces of its own, a process may mount and register emulators without being root, and it all ends with it."""

EMULATORS = {"arm64": ("qemu-aarch64-static", 2, 0xB7), "armhf": ("qemu-arm-static", 1, 0x28)}
"""Architecture -> the emulator, and what marks programs for it in their ELF header: word length and machine."""

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/home/pi",
    "LANG": "C.UTF-8",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "/srv /home/pi",
    "PIP_NO_COMPILE": "no",  # pip's way of saying yes; Python compiles what it imports, emulated compiling is slow
}


def require_isolation() -> None:
    """Make sure that this system lets a process have mounts and emulators of its own.

    Raises
    ------
    BackendError
        If not.
    """
    require("unshare", "chroot", "mount")
    trial = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && test -w /proc/sys/fs/binfmt_misc/register"
    done = subprocess.run([*ISOLATED, "sh", "-c", trial], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackendError(
            "Expected Linux 6.7 or newer that lets users make user namespaces, in which an emulator can be registered; "
            f"this is {platform.release()}, and says: {done.stderr.strip() or 'nothing'}."
        )


class GuestError(ToolkitError):
    """A program in a guest did something else than it should."""


@dataclass(frozen=True)
class Guest:
    """What it takes to run a program.

    Parameters
    ----------
    root : Path
        The system, as `guest_root` makes it.
    architecture : str
        Of Debian.
    emulators : Path
        Folder of qemu's programs, linked statically.
    board : Path
        As `Board.write` makes it.
    cpu : str
        A row of `BOARDS`. Never qemu's default, which has instructions that no Pi has: qemu 7.2 computes some of them
        wrongly, and LiteRT's int8 answers are then others, without a word.
    wheels : Path
        Folder that pip takes packages from; it becomes ``/srv``.
    """

    root: Path
    architecture: str
    emulators: Path
    board: Path
    cpu: str
    wheels: Path

    def run(self, *command: str, home: Path, seconds: int = 900) -> subprocess.CompletedProcess[str]:
        """Run `command` in ``/home/pi``, which is the folder `home` of this system, as root there and nobody here.

        Returns
        -------
        CompletedProcess
            With what it said; the code of one that crashed is 128 and the number of the signal, or above.

        Raises
        ------
        GuestError
            If it has not ended after so many `seconds`.
        """
        emulator, word, machine = EMULATORS[self.architecture]
        header = bytes([0x7F, *b"ELF", word, 1, 1, *bytes(9), 2, 0, machine, 0])
        # Any ABI, and programs as well as shared libraries, as which position-independent programs count.
        mask = bytes([*b"\xff" * 7, 0, *b"\xff" * 8, 0xFE, *b"\xff" * 3])
        # F: the emulator is opened now, here, so that the guest needs no copy of it.
        registration = f":pi:M::{_escaped(header)}:{_escaped(mask)}:{self.emulators / emulator}:F"
        places = (self.root, self.board, self.wheels, home)
        try:
            return subprocess.run(
                [*ISOLATED, str(ENTER), registration, *map(str, places), *command],
                env={**ENVIRONMENT, "QEMU_CPU": self.cpu},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GuestError(
                f"Expected {' '.join(command)} to end in the guest, it still ran after {seconds} seconds."
            ) from None

    def say(self, *command: str, home: Path) -> str:
        """Run a `command` that should go well, without a word on stderr, and return what it says on stdout.

        Raises
        ------
        GuestError
            If it fails, crashes or complains.
        """
        done = self.run(*command, home=home)
        if done.returncode or done.stderr:
            raise GuestError(
                f"Expected {' '.join(command)} to go well in the guest, it ended with code {done.returncode} and said: "
                f"{done.stderr.strip() or 'nothing'}"
            )
        return done.stdout


def _escaped(content: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in content)
