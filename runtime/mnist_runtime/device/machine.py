"""`Machine` and `Conditions`: the facts about this device that a measured time depends on."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["Conditions", "Machine"]

BOARD = ("/proc/device-tree/model", "/sys/class/dmi/id/product_name")
"""Files with the name of the board: of an ARM or RISC-V board, and of a PC."""
PROCESSOR = re.compile(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", re.MULTILINE)
FREQUENCY = "/sys/devices/system/cpu/cpu0/cpufreq/"
TEMPERATURE = "/sys/class/thermal/thermal_zone0/temp"

THROTTLED = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
    16: "under-voltage since the start",
    17: "frequency capped since the start",
    18: "throttled since the start",
    19: "soft temperature limit since the start",
}
"""Bit of ``vcgencmd get_throttled`` -> its meaning; see https://www.raspberrypi.com/documentation/computers/os.html."""


@dataclass(frozen=True)
class Machine:
    """Facts that do not change during a measurement.

    Parameters
    ----------
    board : str
        Such as ``"Raspberry Pi 4 Model B Rev 1.4"``; empty if it is not known.
    processor : str
        Name of the processor, or its architecture.
    cores : int
        Number of cores that this process may use.
    memory_bytes : int or None
        Size of the memory.
    system, kernel : str
        Such as ``"Debian GNU/Linux 12 (bookworm)"`` and ``"6.6.31+rpt-rpi-v8"``.
    python, numpy : str
        Versions.
    """

    board: str
    processor: str
    cores: int
    memory_bytes: int | None
    system: str
    kernel: str
    python: str
    numpy: str

    @classmethod
    def here(cls) -> Machine:
        """Describe this device."""
        processor = PROCESSOR.search(_text("/proc/cpuinfo"))
        try:
            system = platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            system = platform.system()
        return cls(
            board=next(filter(None, map(_text, BOARD)), ""),
            processor=processor[1].strip() if processor else platform.machine(),
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            memory_bytes=_memory_bytes(),
            system=system,
            kernel=platform.release(),
            python=platform.python_version(),
            numpy=np.__version__,
        )


@dataclass(frozen=True)
class Conditions:
    """Facts that change during a measurement; None if this device does not report one.

    Parameters
    ----------
    governor : str or None
        Policy of the frequency, such as ``"ondemand"``.
    frequency_mhz : float or None
        Frequency of the first core, in MHz.
    temperature_c : float or None
        Temperature of the processor, in degrees Celsius.
    throttled : tuple of str or None
        What slows a Raspberry Pi down, or did since its start, from ``vcgencmd get_throttled``.
    load : float or None
        Number of processes that ran or waited, on average over the last minute.
    """

    governor: str | None
    frequency_mhz: float | None
    temperature_c: float | None
    throttled: tuple[str, ...] | None
    load: float | None

    @classmethod
    def now(cls) -> Conditions:
        """Read the conditions."""
        frequency, temperature = _number(f"{FREQUENCY}scaling_cur_freq"), _number(TEMPERATURE)
        return cls(
            governor=_text(f"{FREQUENCY}scaling_governor") or None,
            frequency_mhz=None if frequency is None else frequency / 1000,
            temperature_c=None if temperature is None else temperature / 1000,
            throttled=_throttled(),
            load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        )


def _text(path: str) -> str:
    """Return the printable text of a file of the system; empty if it cannot be read."""
    try:
        text = Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
    return "".join(letter for letter in text.strip("\0 \n") if letter.isprintable() or letter == "\n")


def _number(path: str) -> float | None:
    with contextlib.suppress(ValueError):
        return float(_text(path))
    return None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows, or a system that does not report it
        return None


def _throttled() -> tuple[str, ...] | None:
    """Return the state that ``vcgencmd`` of Raspberry Pi OS reports; None without it."""
    try:
        done = subprocess.run(
            ["vcgencmd", "get_throttled"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.fullmatch(r"throttled=(0x[0-9a-fA-F]+)", done.stdout.strip())
    if not found:
        return None
    bits = int(found[1], 16)
    return tuple(words for bit, words in THROTTLED.items() if bits >> bit & 1)
