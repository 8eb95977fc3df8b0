"""Collect the facts about the device that decide whether and how the runtime can be installed."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

from mnist_exporters.targets.deployment.there.service import missing_reason
from mnist_exporters.targets.deployment.there.versions import Versions

__all__ = ["facts"]


def facts(folder: Path, modules: list[str]) -> dict[str, Any]:
    """Return the fields of `DeviceFacts` as values for JSON. Nothing is changed on the device.

    Parameters
    ----------
    folder : Path
        Folder of the deployment, which may not exist yet.
    modules : list of str
        Modules to look for in the system's Python.
    """
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return {
        "machine": platform.machine(),
        "is_64_bit": sys.maxsize > 2**32,
        "python": list(sys.version_info[:2]),
        "system": _system(),
        "board": _board(),
        "folder": str(folder),
        "free_bytes": shutil.disk_usage(existing).free,
        "writable": os.access(existing, os.W_OK),
        "has_venv": None not in map(importlib.util.find_spec, ("venv", "ensurepip")),
        "modules": [name for name in modules if importlib.util.find_spec(name)],
        "service_missing": missing_reason(),
        "current": Versions(folder).described("current"),
        "previous": Versions(folder).described("previous"),
        "environments": sorted(path.parent.name for path in folder.glob("venvs/*/complete")),
    }


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _board() -> str:
    for name in ("/proc/device-tree/model", "/sys/class/dmi/id/product_name"):
        try:
            return json.dumps(Path(name).read_text("utf-8", "replace").strip("\0 \n"))[1:-1]
        except OSError:
            continue
    return ""
