from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mnist_trainer import DataError
from mnist_trainer.data.files.arrays.labels import classes_of, read_labels
from mnist_trainer.data.files.arrays.parts import LoadedData, Part, read_images, read_parts
from mnist_trainer.data.files.arrays.shapes import shaped
from mnist_trainer.data.stated import StatedTask

LABELS = (np.arange(40) * 7 % 10).astype(np.uint8)
IMAGES = np.zeros((40, 28, 28), np.uint8)
IMAGES[:, 6:22, 8:20] = np.random.default_rng(0).integers(0, 256, (40, 16, 12))
IMAGES[:, 10, 10] = 255

IMAGE_FORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "images (n, 784)": lambda x: x.reshape(-1, 784),
    "images (n, 1, 28, 28)": lambda x: x[:, None],
    "images (n, 784, 1)": lambda x: x.reshape(-1, 784, 1),
    "": lambda x: x[..., None],
    "floats 0..1": lambda x: x / 255,
    "floats 0..255": lambda x: x.astype(np.float32),
    "floats 0..255, rounded": lambda x: np.clip(x + 0.25, 0, 255),
    "black on white, inverted": lambda x: 255 - x,
    "three equal channels": lambda x: np.repeat(x[..., None], 3, axis=3),
}
LABEL_FORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "": lambda y: y.astype(np.int64),
    "labels (n, 1)": lambda y: y[:, None],
    "labels (1, n)": lambda y: y[None],
    "labels as floats": lambda y: y.astype(np.float32),
    "labels as text": lambda y: y.astype(str),
    "one-hot labels": lambda y: np.eye(10)[y],
}
WORDS = np.array(["zero", "One", "TWO", "three", "four", "five", "six", "seven", "eight", "nine"])


def read(images: np.ndarray, labels: np.ndarray = LABELS, stated: StatedTask | None = None) -> LoadedData:
    return read_parts([Part(images, labels, "here")], "arrays", stated or StatedTask())


@pytest.mark.parametrize("word", IMAGE_FORMS)
def test_every_form_of_images_is_read_and_named(word: str) -> None:
    found = read(IMAGE_FORMS[word](IMAGES))
    np.testing.assert_array_equal(found.train.images, IMAGES)
    assert found.train.images.dtype == np.uint8
    assert not found.notes
    assert found.form == ("arrays; " + word if word else "arrays")


@settings(max_examples=60)
@given(
    st.sampled_from(list(LABEL_FORMS)),
    st.lists(st.integers(0, 9), min_size=2, max_size=30),
    st.sampled_from(["uint8", "int8", "int64", "float16", "float64", "bool"]),
)
def test_every_form_of_labels_is_read_and_named(word: str, digits: list[int], dtype: str) -> None:
    assume(word != "labels (1, n)" or len(digits) != 10)  # that is one row of a one-hot table too
    labels = LABEL_FORMS[word](np.array(digits, np.uint8))
    if word == "one-hot labels" or (labels.dtype.kind == "i" and dtype != "bool"):
        labels = labels.astype(dtype)
    raw = read_labels(labels, "here")
    found = classes_of([raw], None, may_be_digits=True)
    assert (found.indices[0].tolist(), found.indices[0].dtype) == (digits, np.uint8)
    assert found.names == tuple("0123456789")
    assert word in "; ".join(raw.words)


def test_labels_in_english_and_as_bytes_are_read() -> None:
    assert read_labels(WORDS, "here").values.tolist() == list(range(10))
    assert read_labels(np.array([b"7", b"0 "]), "here").values.tolist() == [7, 0]
    assert read_labels(np.array(["7.0", "0.0"]), "here").values.tolist() == [7, 0]


def test_binary_pixels_are_0_and_255() -> None:
    for dtype in ("bool", "uint8", "int64", "float32"):
        pixels, words = read_images((IMAGES > 0).astype(dtype), "here")
        assert np.array_equal(pixels, (IMAGES > 0) * 255), dtype
        assert words == ["floats 0..1" if dtype == "float32" else "pixels 0 or 1"]


def test_a_set_of_mixed_polarity_gets_a_note_and_few_bright_borders_none() -> None:
    mixed = IMAGES.copy()
    mixed[:10] = 255 - mixed[:10]
    found = read(mixed)
    assert np.array_equal(found.train.images, mixed)
    assert "10 of 40 images have a bright border" in found.notes[0]
    most = read(255 - mixed)
    assert np.array_equal(most.train.images, 255 - mixed)
    assert "30 of 40 images have a bright border" in most.notes[0]
    mixed[1:10] = IMAGES[1:10]
    assert read(mixed).notes == ()


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (IMAGES.astype(str), "dtype <U3"),
        (IMAGES.astype(complex), "dtype complex128"),
        (IMAGES[:0], "There are no images"),
        (IMAGES[:, :7], r"\(40, 7, 28\), but \(n, h, w\).*with sides of 8 to 128 pixels"),
        (np.zeros((40, 200, 32)), r"say to which size they are changed: --image-size"),
        (np.zeros((40, 1024)), r"rows of 1,024 values.*State their size in pixels: --image-size"),
        (np.zeros((40, 28, 28, 2)), r"\(n, 28, 28\)"),
        (np.zeros(40), r"\(n, 28, 28\)"),
        (np.float64(3), r"\(n, 28, 28\)"),
        (IMAGES.reshape(40, 784).T, r"Transpose it: images\.T"),
        (np.moveaxis(IMAGES, 0, -1), r"np\.moveaxis\(images, -1, 0\)"),
        (IMAGES / 127.5 - 1, r"-1 to 1.*give \(images \+ 1\) / 2"),
        ((IMAGES / 255 - 0.1307) / 0.3081, r"seem to be standardized"),
        (IMAGES.astype(np.uint16) * 257, r"0 to 6\.554e\+04.*images / 65535"),
        (IMAGES * 1e9, r"or 0\.\.1 is needed\. Convert them"),
        (IMAGES / 100, r"neither 0\.\.255 nor 0\.\.1"),
        (np.where(IMAGES == 255, np.nan, IMAGES), "nan or infinity"),
        (np.where(IMAGES == 255, np.inf, IMAGES), "nan or infinity"),
    ],
)
def test_other_images_are_named_for_what_they_are(images: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(np.asarray(images))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (LABELS + 4, "label at index 1 is 11"),
        (LABELS.astype(int) - 1, "label at index 0 is -1"),
        (LABELS / 2, r"label at index 1 is 3\.5\. Convert them to integers"),
        (np.full(40, np.nan), "index 0 is nan"),
        (np.full(40, np.inf), "index 0 is inf"),
        (np.where(LABELS == 0, 10, LABELS), r"10 stands for 0, as in SVHN, give labels % 10"),
        (np.full((40, 10), 0.1), r"not one-hot.*labels\.argmax\(axis=1\)"),
        (np.ones((40, 10)), "not one-hot"),
        (np.zeros((40, 2, 5)), r"one-hot rows, shape \(n, 10\)"),
        (np.float32(3), r"shape \(n,\)"),
        (np.full(40, "seven-ish"), "index 0 is 'seven-ish'"),
        (LABELS > 3, "dtype bool"),
        (LABELS.astype("datetime64[s]"), "datetime64"),
        (LABELS[:-1], r"There are 40 images, but 39 labels\. Give one label for each image"),
    ],
)
def test_other_labels_are_named_for_what_they_are(labels: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(IMAGES, np.asarray(labels))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_pixels_of_few_levels_are_not_read_as_0_to_255(dtype: str) -> None:
    images = np.zeros((20, 28, 28), dtype)
    images[:, 9:20, 9:20] = 15
    with pytest.raises(DataError, match="from 0 to 15, which is neither"):
        read_images(images, "here")


def test_a_set_of_dim_images_says_so() -> None:
    images = np.zeros((20, 28, 28), np.uint8)
    images[:, 9:20, 9:20] = 100
    assert read_images(images, "here")[1] == ["brightest pixel 100 of 255"]


@pytest.mark.parametrize(
    ("labels", "names", "found", "words"),
    [
        ([1, 2], ("a", "b", "c"), [1, 2], ()),
        ([1, 3], ("a", "b", "c"), [0, 2], ("labels 1 to 3",)),
        ([0, 2], ("a", "b", "c"), [0, 2], ()),
        ([0, 3], None, [0, 3], ()),
        ([1, 2, 4], None, [0, 1, 3], ()),
    ],
)
def test_numbers_of_classes_begin_with_0_or_1(
    labels: list[int], names: tuple[str, ...] | None, found: list[int], words: tuple[str, ...]
) -> None:
    classes = classes_of([read_labels(np.array(labels), "here")], names, may_be_digits=False)
    assert (classes.indices[0].tolist(), classes.words) == (found, words)


def test_numbers_of_which_most_are_missing_need_names() -> None:
    with pytest.raises(DataError, match="3 different numbers from 1 to 9, which do not number classes from 0 or 1"):
        classes_of([read_labels(np.array([1, 2, 9]), "here")], None, may_be_digits=False)


def test_one_hot_labels_of_both_splits_have_as_many_columns() -> None:
    parts = [read_labels(np.eye(columns), "here") for columns in (9, 8)]
    with pytest.raises(DataError, match="One-hot labels have 8 and 9 columns"):
        classes_of(parts, None, may_be_digits=True)


@pytest.mark.parametrize(
    ("labels", "names", "words"),
    [
        (np.eye(3), ("a", "b"), "The one-hot labels have 3 columns, but 2 classes are named"),
        (np.array([0, 1, 5]), ("a", "b", "c"), "label at index 2 is '5', which is none of the 3 classes a, b, c"),
        (np.array(["3", "x"]), None, r"label at index 1 is 'x'\. Labels must be 0\.\.9"),
    ],
)
def test_labels_beyond_the_classes_are_errors(labels: np.ndarray, names: tuple[str, ...] | None, words: str) -> None:
    with pytest.raises(DataError, match=words):
        classes_of([read_labels(labels, "here")], names, may_be_digits=True)


def test_long_numbers_are_names() -> None:
    found = read_labels(np.array(["12345678901234567890", "7"]), "here")
    assert found.is_text
    assert classes_of([found], None, may_be_digits=False).names == ("12345678901234567890", "7")


def test_the_one_hot_label_of_a_single_image_is_read() -> None:
    assert read_labels(np.eye(10)[[4]], "here").values.tolist() == [4]


def test_images_of_both_splits_have_one_size() -> None:
    parts = [Part(np.pad(IMAGES, [(0, 0), (0, more), (0, 0)]), LABELS, "here") for more in (0, 4)]
    with pytest.raises(DataError, match="Training and test images have shapes"):
        read_parts(parts, "arrays", StatedTask())


def test_a_row_of_ten_digits_is_no_one_hot_label() -> None:
    found = read_labels(np.array([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3]]), "here")
    assert (found.values.tolist(), found.words) == ([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], ("labels (1, n)",))


def test_as_many_images_as_columns_are_read() -> None:
    images = np.random.default_rng(0).integers(0, 256, (28, 28, 28), np.uint8)
    np.testing.assert_array_equal(shaped(images, "here", StatedTask(), 28)[0], images)


def test_what_is_stated_decides_what_rows_and_channels_mean() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (3, 784), np.uint8)
    assert shaped(rows, "here", StatedTask(size=(14, 56)))[0].shape == (3, 14, 56)
    assert shaped(rows[:, :768], "here", StatedTask(size=(16, 16)))[0].shape == (3, 16, 16, 3)
    with pytest.raises(DataError, match="16 x 16 pixels have 256 values in gray and 768 in color"):
        shaped(rows[:, :768], "here", StatedTask(size=(16, 16), channels=1))
    gray = rows.reshape(3, 28, 28, 1).repeat(3, axis=3)
    assert shaped(gray, "here", StatedTask())[0].shape == (3, 28, 28)
    assert shaped(gray, "here", StatedTask(channels=3))[0].shape == (3, 28, 28, 3)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_scaled_pixels_get_their_bytes_back(dtype: str) -> None:
    levels = np.tile(np.arange(256, dtype=np.uint8), (4, 4))[:, :784].reshape(4, 28, 28)
    np.testing.assert_array_equal(read_images((levels / 255).astype(dtype), "here")[0], levels)
    above = (levels / 255 * 1.0009).astype(dtype)  # as rounding leaves them
    assert read_images(above, "here")[0].max() == 255


def test_pixels_up_to_32_are_not_read_as_0_to_255() -> None:
    images = np.full((20, 28, 28), 32, np.uint8)
    with pytest.raises(DataError, match=r"neither 0\.\.255 nor 0\.\.1"):
        read_images(images, "here")
    assert read_images(images + np.uint8(1), "here")[1] == ["brightest pixel 33 of 255"]
