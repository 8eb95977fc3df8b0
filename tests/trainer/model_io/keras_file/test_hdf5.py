from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from mnist_trainer import ModelError
from mnist_trainer.model_io.keras_file import hdf5
from mnist_trainer.model_io.keras_file.hdf5 import check_hdf5


def test_a_whole_file_passes_and_every_part_of_it_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file.attrs["version"] = "3"
        weights = file.create_dataset("layers/weights", data=np.arange(10_000), compression="gzip")
        file["again"] = h5py.SoftLink("/layers/weights")
        file["cycle"] = file["/"]
        file.flush()
        start = weights.id.get_chunk_info(0).byte_offset
    check_hdf5(tmp_path / "mine.h5")
    content = bytearray((tmp_path / "mine.h5").read_bytes())
    content[start + 50 : start + 100] = bytes(50)
    (tmp_path / "mine.h5").write_bytes(content)
    with pytest.raises(OSError, match="filter"):
        check_hdf5(tmp_path / "mine.h5")


@pytest.mark.parametrize("owner", ["/", "layers", "layers/weights"])
def test_damaged_attributes_are_found(tmp_path: Path, owner: str) -> None:
    path = tmp_path / "mine.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/weights", data=np.arange(4))
        file[owner].attrs["names"] = ["kernel", "bias"]
    check_hdf5(path)
    content = path.read_bytes()
    assert content.count(b"GCOL") == 1
    path.write_bytes(content.replace(b"GCOL", b"LOCG"))  # the signature of the heap of texts
    with pytest.raises(OSError, match="read"):
        check_hdf5(path)


def external_link(file: h5py.File, other: Path) -> None:
    file["deep/er"] = h5py.ExternalLink(other, "/data")


def external_storage(file: h5py.File, other: Path) -> None:
    file.create_dataset("data", shape=(4,), dtype="f4", external=[(str(other), 0, 16)])


def virtual(file: h5py.File, other: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f4", maxshape=(None,))
    everything = slice(0, h5py.h5s.UNLIMITED)
    layout[everything] = h5py.VirtualSource(other, "data", shape=(4,), maxshape=(None,))[everything]
    file.create_virtual_dataset("data", layout)


@pytest.mark.parametrize("add", [external_link, external_storage, virtual])
def test_a_file_that_refers_to_others_is_refused_before_they_are_opened(
    tmp_path: Path, add: Callable[[h5py.File, Path], None]
) -> None:
    """CVE-2026-1669 and GHSA-3m4q-jmj6-r34q of Keras; opening a pipe that nobody writes into would never end."""
    import os

    os.mkfifo(tmp_path / "other.h5")
    with h5py.File(tmp_path / "mine.h5", "w", libver="latest") as file:
        add(file, tmp_path / "other.h5")
    with pytest.raises(ModelError, match=r"takes data from other files \((external|virtual)"):
        check_hdf5(tmp_path / "mine.h5")


@pytest.mark.parametrize("columns", [150, 1 << 20], ids=["less than 1 GiB each", "4 TiB each"])
@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"fillvalue": 1.0}])
def test_sizes_are_added_up_before_anything_is_unpacked(
    tmp_path: Path, options: dict[str, object], columns: int
) -> None:
    """CVE-2026-0897 of Keras: a few kilobytes that declare terabytes."""
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        for name in ("a", "b"):
            file.create_dataset(name, shape=(1 << 20, columns), dtype="f4", chunks=(1024, 128), **options)
    assert (tmp_path / "mine.h5").stat().st_size < 10_000
    with pytest.raises(ModelError, match="more than 1 GiB"):
        check_hdf5(tmp_path / "mine.h5")


def test_a_file_of_many_links_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "MOST_OBJECTS", 5)
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        for name in "abcdef":
            file.create_group(name)
    with pytest.raises(ModelError, match="more than 5 objects"):
        check_hdf5(tmp_path / "mine.h5")
