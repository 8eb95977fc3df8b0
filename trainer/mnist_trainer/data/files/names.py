"""Tables of the names that the readers of data sets accept: of labels, splits, columns, arrays and files.

To accept another name, add it here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = [
    "ARRAY_NAMES",
    "CLASS_NAMES",
    "INDEX_COLUMNS",
    "JUNK",
    "LABELS",
    "LABEL_COLUMNS",
    "PICTURE_ENDS",
    "SPLIT_NAMES",
    "VALIDATION_ARRAYS",
    "IdxName",
    "idx_name",
    "is_junk",
    "split_of",
]

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LABELS: dict[str, int] = {
    **{str(digit): digit for digit in range(10)},
    **{word: digit for digit, word in enumerate(WORDS)},
}
"""Label as a folder name or as text, in lower case -> digit."""

SPLIT_NAMES: dict[str, tuple[str, ...]] = {
    "train": ("train", "training", "trainset", "trainingset", "trainingdata"),
    "test": ("test", "testing", "testset", "testingset", "testdata", "t10k"),
    "validation": ("val", "valid", "validation", "validationset", "dev"),
}
"""Split -> possible names of its folder or file, in lower case and without spaces, ``-`` and ``_``.

A name may also begin with ``mnist``.
"""

JUNK = ("__macosx", "thumbs.db", "desktop.ini")
"""Files and folders that file managers create, in lower case. They are ignored, like hidden ones."""

ARRAY_NAMES: tuple[tuple[str, ...], ...] = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("train_x", "train_y", "test_x", "test_y"),
    ("images", "labels"),
    ("x", "y"),
    ("data", "target"),
    ("data", "labels"),
)
"""Names of the arrays in an npz file, in lower case: training images and labels, then test images and labels."""

VALIDATION_ARRAYS: tuple[tuple[str, str], ...] = (
    ("x_val", "y_val"),
    ("x_valid", "y_valid"),
    ("x_validation", "y_validation"),
    ("val_images", "val_labels"),
    ("val_x", "val_y"),
)
"""Names of the images and labels of a validation split; it is read as the test split if there is none."""

CLASS_NAMES = ("class_names", "label_names", "target_names", "classes", "names")
"""Possible names of the array with the class names in an npz file, in lower case."""

LABEL_COLUMNS = ("label", "labels", "class", "target", "digit", "category", "class_name", "y")
"""Possible headings of the label column in a CSV file, in lower case."""
INDEX_COLUMNS = ("", "unnamed: 0", "index", "id", "imageid")
"""Possible headings of a column with row numbers in a CSV file, in lower case."""
PICTURE_ENDS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".pbm", ".ppm")
"""Suffixes of picture files in a table, in lower case."""


class IdxName(NamedTuple):
    """The parts of an IDX file name, such as ``emnist-digits-train-images-idx3-ubyte.gz``."""

    set_name: str
    split: str
    holds: str


IDX_PATTERN = re.compile(
    r"(?P<set>.*?)(?P<split>train|t10k|test)[-_.](?P<holds>images|labels)(?:[-_.]idx[134])?(?:[-_.]ubyte)?(?:\.gz)?",
    re.IGNORECASE,
)


def idx_name(name: str) -> IdxName | None:
    """Return the parts of an IDX file name, with ``-``, ``_`` or ``.``, compressed or not; None for another name.

    Examples
    --------
    >>> idx_name("t10k-labels.idx1-ubyte")
    IdxName(set_name='', split='test', holds='labels')
    >>> idx_name("notes.txt")
    """
    found = IDX_PATTERN.fullmatch(name)
    if not found:
        return None
    split = "train" if found["split"].lower() == "train" else "test"
    return IdxName(found["set"].strip("-_.").lower(), split, found["holds"].lower())


def split_of(name: str) -> str | None:
    """Return ``"train"``, ``"test"`` or ``"validation"`` for the name of a folder or file, or None.

    Examples
    --------
    >>> split_of("Training"), split_of("mnist_test"), split_of("notes")
    ('train', 'test', None)
    """
    plain = re.sub(r"[-_ ]", "", name.lower()).removeprefix("mnist")
    return next((split for split, names in SPLIT_NAMES.items() if plain in names), None)


def is_junk(name: str) -> bool:
    """Return whether a file or folder is hidden, or was created by a file manager."""
    return name.startswith(".") or name.lower() in JUNK
