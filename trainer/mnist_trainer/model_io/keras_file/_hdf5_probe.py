"""Read every attribute and data set of an HDF5 file. `check_hdf5` runs this module in a separate process."""

import sys

import h5py


def read(_: str, item: object) -> None:
    """Read one group or data set with its attributes."""
    dict(item.attrs)  # type: ignore[attr-defined]  # h5py is untyped
    if isinstance(item, h5py.Dataset):
        item[()]


if __name__ == "__main__":
    with h5py.File(sys.argv[1]) as file:
        read("", file)
        file.visititems(read)
