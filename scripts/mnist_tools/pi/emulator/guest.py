"""`Guest`: run programs of another Debian system on an emulated processor."""

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
"""Run a program in new namespaces, where it can mount and register emulators without root."""

EMULATORS = {"arm64": ("qemu-aarch64-static", 2, 0xB7), "armhf": ("qemu-arm-static", 1, 0x28)}
"""Architecture -> emulator, and the class (word length) and machine in the ELF headers of its programs."""

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/home/pi",
    "LANG": "C.UTF-8",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "/srv /home/pi",
    "PIP_NO_COMPILE": "no",  # pip reads this as yes. Python compiles what it imports; the rest would take long
}


def require_isolation() -> None:
    """Check that this system can mount and register emulators in a user namespace.

    Raises
    ------
    BackendError
        If it cannot do that.
    """
    require("unshare", "chroot", "mount")
    trial = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && test -w /proc/sys/fs/binfmt_misc/register"
    done = subprocess.run([*ISOLATED, "sh", "-c", trial], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackendError(
            f"Linux {platform.release()} cannot register an emulator in a user namespace "
            f"({done.stderr.strip() or 'no message'}). Use Linux 6.7 or newer with user namespaces enabled."
        )


class GuestError(ToolkitError):
    """A program in a guest failed or gave a wrong result."""


@dataclass(frozen=True)
class Guest:
    """A system with an emulated processor.

    Parameters
    ----------
    root : Path
        Root folder of the system, made by `guest_root`.
    architecture : str
        Debian's name of the architecture.
    emulators : Path
        Folder of the statically linked qemu programs.
    board : Path
        Folder written by `Board.write`.
    cpu : str
        A key of `BOARDS`. qemu's default processor must not be used: it has instructions that no Pi has. qemu 7.2
        computes some of them wrongly, so that LiteRT's int8 scores differ without any error.
    wheels : Path
        Folder from which pip installs; mounted at ``/srv``.
    """

    root: Path
    architecture: str
    emulators: Path
    board: Path
    cpu: str
    wheels: Path

    def run(self, *command: str, home: Path, seconds: int = 900) -> subprocess.CompletedProcess[str]:
        """Run `command` in ``/home/pi``, where the host folder `home` is mounted. It is root only inside the guest.

        Returns
        -------
        CompletedProcess
            Output and exit code. After a crash the code is at least 128 plus the number of the signal.

        Raises
        ------
        GuestError
            If it still runs after `seconds`.
        """
        emulator, word, machine = EMULATORS[self.architecture]
        header = bytes([0x7F, *b"ELF", word, 1, 1, *bytes(9), 2, 0, machine, 0])
        # Match any ABI, and both executables and shared objects: position-independent programs are shared objects.
        mask = bytes([*b"\xff" * 7, 0, *b"\xff" * 8, 0xFE, *b"\xff" * 3])
        # F: the kernel opens the emulator now, on the host, so that the guest needs no copy of it.
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
            raise GuestError(f"`{' '.join(command)}` still runs in the guest after {seconds} seconds.") from None

    def output(self, *command: str, home: Path) -> str:
        """Run `command` and return what it prints on stdout.

        Raises
        ------
        GuestError
            If it fails, crashes or writes to stderr.
        """
        done = self.run(*command, home=home)
        if done.returncode or done.stderr:
            raise GuestError(
                f"`{' '.join(command)}` ended in the guest with exit code {done.returncode} and this on stderr: "
                f"{done.stderr.strip() or 'nothing'}"
            )
        return done.stdout


def _escaped(content: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in content)
