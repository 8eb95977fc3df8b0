"""Public advisories on Keras of 2024 to 2026, as harmless files. Those on HDF5 are in test_hdf5.py."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnist_trainer import ModelError, load_model

Layer = dict[str, Any]


def layer(name: str, module: str = "keras.layers", **config: Any) -> Layer:
    """Return the entry of a layer in the configuration of a model."""
    return {"module": module, "class_name": name, "config": {"name": "evil", **config}, "registered_name": None}


def function(module: str, name: str) -> Layer:
    """Return the entry of a function."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


ADVISORIES: dict[str, Layer] = {
    "CVE-2024-3660: code in a Lambda layer": layer(
        "Lambda", function={"class_name": "__lambda__", "config": {"code": "4wAA", "defaults": None, "closure": None}}
    ),
    "CVE-2025-1550: a function of any module": layer("Lambda", function=function("os", "system")),
    "CVE-2025-1550: a class of any module": layer("Popen", "subprocess", args=["true"]),
    "CVE-2025-8747: a function of Keras that downloads": layer(
        "Lambda", function=function("keras.utils", "get_file"), arguments={"origin": "http://localhost:1/"}
    ),
    "CVE-2025-8747: the same without Lambda": layer("Activation", activation=function("keras.utils", "get_file")),
    "CVE-2025-9906: a function that turns safe mode off": layer(
        "Activation", activation=function("keras.config", "enable_unsafe_deserialization")
    ),
    "CVE-2025-9906: load_model inside a model": layer("Activation", activation=function("keras.models", "load_model")),
    "CVE-2025-49655: a pickle in a layer of PyTorch": layer("TorchModuleWrapper", module="gASVAAAA"),
    "CVE-2025-12058: a vocabulary read from a file": layer("StringLookup", vocabulary="/etc/hostname"),
    "CVE-2025-12058: an address": layer("TextVectorization", vocabulary="http://localhost:1/words"),
    "a SavedModel inside a model": layer("TFSMLayer", filepath="/etc", call_endpoint="serve"),
}


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The members of a small ``.keras`` file."""
    import keras

    path = tmp_path_factory.mktemp("plain") / "mine.keras"
    keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)]).save(path)
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def as_keras(path: Path, members: dict[str, bytes], config: Layer) -> Path:
    with zipfile.ZipFile(path.with_suffix(".keras"), "w") as file:
        for name, content in members.items():
            file.writestr(name, json.dumps(config) if name == "config.json" else content)
    return path.with_suffix(".keras")


def as_hdf5(path: Path, members: dict[str, bytes], config: Layer) -> Path:
    """Keras's safe mode did not look into these (CVE-2025-9905)."""
    del members
    import h5py

    with h5py.File(path.with_suffix(".h5"), "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "3.11.0"
        file.attrs["backend"] = "tensorflow"
        file.create_group("model_weights")
    return path.with_suffix(".h5")


@pytest.mark.parametrize("write", [as_keras, as_hdf5])
@pytest.mark.parametrize("name", ADVISORIES)
def test_the_file_is_refused_before_anything_is_built(
    tmp_path: Path,
    members: dict[str, bytes],
    write: Callable[[Path, dict[str, bytes], Layer], Path],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import keras

    def build(*_: object, **__: object) -> None:
        raise AssertionError("Keras was given the file")

    monkeypatch.setattr(keras.models, "load_model", build)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", build)
    config = json.loads(members["config.json"])
    config["config"]["layers"].insert(1, ADVISORIES[name])
    with pytest.raises(ModelError, match=r"not loaded, since its|is not part of Keras 3"):
        load_model(write(tmp_path / "mine", members, config))


def test_a_name_that_leads_out_of_the_archive_is_not_followed(tmp_path: Path, members: dict[str, bytes]) -> None:
    """CVE-2025-12060 and the advisories on symbolic links: nothing but the model is unpacked."""
    path = tmp_path / "inside" / "mine.keras"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
        file.writestr("../outside", b"1")
        link = zipfile.ZipInfo("assets")
        link.external_attr = 0o120777 << 16
        file.writestr(link, str(tmp_path))
        file.writestr("assets/written", b"1")
    assert load_model(path).output_shape == (None, 10)
    assert [entry.name for entry in tmp_path.iterdir()] == ["inside"]


def test_weights_in_an_archive_that_are_taken_from_another_file_are_refused(
    tmp_path: Path, members: dict[str, bytes]
) -> None:
    """CVE-2026-1669 in a ``.keras`` file; opening a pipe that nobody writes into would never end."""
    import h5py

    os.mkfifo(tmp_path / "other.h5")
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["layers"] = h5py.ExternalLink(tmp_path / "other.h5", "/layers")
    changed = members | {"model.weights.h5": (tmp_path / "weights.h5").read_bytes()}
    with pytest.raises(ModelError, match=r"takes data from other files \(external link"):
        load_model(as_keras(tmp_path / "mine", changed, json.loads(members["config.json"])))


@pytest.mark.long
def test_an_npz_of_weights_that_declares_more_than_it_has_is_refused(
    tmp_path: Path, members: dict[str, bytes], real_trials: None
) -> None:
    """Keras's pull request 23016: weights in NumPy's form with a header of terabytes."""
    import io

    import numpy as np

    weights = io.BytesIO()
    with zipfile.ZipFile(weights, "w") as inner:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 20, 1 << 20)}
        )
        inner.writestr("layers/dense/vars/0.npy", header.getvalue())
    path = tmp_path / "mine.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", members["config.json"])
        file.writestr("metadata.json", members["metadata.json"])
        file.writestr("model.weights.npz", weights.getvalue())
    with pytest.raises(ModelError, match=r"GiB of memory|cannot be loaded"):
        load_model(path)
