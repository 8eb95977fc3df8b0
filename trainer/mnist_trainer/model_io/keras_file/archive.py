"""Read an untrusted ``.keras`` archive, and write a clean one for Keras that contains only the model."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py

from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.isolation.private_copy import MOST_BYTES
from mnist_trainer.model_io.keras_file.hdf5 import check_hdf5

__all__ = ["LARGEST_CONFIG", "read_archive", "write_archive"]

CONFIG = "config.json"
"""Member of a ``.keras`` file that describes the layers."""

METADATA = "metadata.json"

WEIGHTS = "model.weights.h5"
"""Member of a ``.keras`` file that holds the weights."""

NPZ_WEIGHTS = "model.weights.npz"

LAYERS_OF_2_12 = "_layer_checkpoint_dependencies"
"""Name of the HDF5 group with the layers' weights in archives of Keras 2.12."""

LARGEST_CONFIG = 16 << 20
"""Largest size of a model's configuration in bytes. A thousand layers take about one million."""

MOST_MEMBERS = 1000


def read_archive(path: Path) -> tuple[dict[str, Any], str]:
    """Return the configuration of a model, and the version of Keras that wrote it.

    Raises
    ------
    ModelError
        If the archive contains no configuration, or is too large when decompressed, according to its directory.
    """
    with zipfile.ZipFile(path) as file:
        members = {member.orig_filename.replace("\\", "/"): member for member in file.infolist()}
        size = sum(member.file_size for member in file.infolist())
        if size > MOST_BYTES or len(file.infolist()) > MOST_MEMBERS:
            raise ModelError(
                f"The zip file holds {size / 2**30:,.1f} GiB in {len(file.infolist()):,} files when unpacked. No digit "
                "model is that large."
            )
        if CONFIG not in members:
            raise ModelError(f"The zip file contains no {CONFIG}. Save the model with model.save('model.keras').")
        for name in (CONFIG, METADATA):
            if name in members and members[name].file_size > LARGEST_CONFIG:
                raise ModelError(
                    f"The zip file holds a {name} of {members[name].file_size / 2**20:,.0f} MiB when unpacked. No "
                    "digit model is that large."
                )
        config: dict[str, Any] = json.loads(file.read(members[CONFIG]))
        metadata = json.loads(file.read(members[METADATA])) if METADATA in members else {}
    return config, str(metadata.get("keras_version", ""))


def write_archive(source: Path, config: dict[str, Any] | None, target: Path, *, trust: bool) -> None:
    """Write an archive that contains only the model in `source`, and its assets if `source` is trusted.

    Members and weights get the names that Keras 3 expects. Keras on Windows wrote backslashes, and Keras 2.12 numbered
    layers differently.

    Parameters
    ----------
    source : Path
        An archive that `read_archive` accepted.
    config : dict or None
        New configuration of the model; None to keep the one in `source`.
    target : Path
        The new archive. The weights are written beside it.
    trust : bool
        Whether assets are copied.

    Raises
    ------
    ModelError
        If the weights refer to other files; see `check_hdf5`.
    """
    with zipfile.ZipFile(source) as file, zipfile.ZipFile(target, "w") as copy:
        for member in file.infolist():
            name = member.orig_filename.replace("\\", "/")
            if name == CONFIG and config is not None:
                copy.writestr(name, json.dumps(config))
            elif name == WEIGHTS:
                weights = target.with_name("weights.h5")
                weights.write_bytes(file.read(member))
                check_hdf5(weights)
                _use_names_of_keras3(weights)
                copy.write(weights, name)
            elif trust or name in (CONFIG, METADATA, NPZ_WEIGHTS):
                copy.writestr(name, file.read(member))


def _use_names_of_keras3(path: Path) -> None:
    """Rename the weight groups of archives from Windows or Keras 2.12 to the names that Keras 3 uses."""
    with h5py.File(path, "r+") as file:
        for name in [name for name in file if "\\" in name]:
            file.move(name, name.replace("\\", "/"))
        groups: list[Any] = []
        file.visititems(lambda name, item: groups.append(item) if name.endswith(LAYERS_OF_2_12) else None)
        for group in groups:
            _renumber(group)


def _renumber(group: Any) -> None:
    """Renumber layers of one kind as 0, 1, 2; Keras 2.12 numbered them 0, 2, 4."""
    kinds: dict[str, list[tuple[int, str]]] = {}
    for name in group:
        kind, _, number = name.rpartition("_")
        found = (kind, int(number)) if kind and number.isdecimal() else (name, 0)
        kinds.setdefault(found[0], []).append((found[1], name))
    for kind, members in kinds.items():
        for place, (_, name) in enumerate(sorted(members)):
            new = f"{kind}_{place}" if place else kind
            if new != name:
                group.move(name, new)
