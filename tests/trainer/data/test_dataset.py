import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_runtime.artifact.task import Task
from mnist_trainer import DataError, Dataset, ModelError, Splits, load_data
from mnist_trainer.data.dataset import check_same_task, hold_out

IMAGES = np.zeros((40, 28, 28), np.uint8)
LABELS = (np.arange(40) % 10).astype(np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (IMAGES.astype(np.float32), LABELS, "dtype uint8"),
        (IMAGES[:, :20], LABELS, r"\(n, 28, 28\)"),
        (IMAGES, LABELS[:-1], "one label for each image"),
        (IMAGES[:0], LABELS[:0], "There are no images"),
        (IMAGES, LABELS + 1, "label at index 9 is 10"),
        (IMAGES, LABELS.astype(np.int64) - 1, r"label at index 0 is -1\. Labels must be 0\.\.9"),
        (IMAGES, LABELS + 0.5, r"label at index 0 is 0\.5\. Labels must be 0\.\.9"),
        (IMAGES, np.where(LABELS == 3, np.nan, LABELS), "label at index 3 is nan"),
        (IMAGES, LABELS.astype(str), r"labels have dtype <U3\. Labels must be 0\.\.9"),
        (IMAGES.tolist(), LABELS, "dtype int64. Convert them"),
        ([[1], [1, 2]], LABELS, "images have no common shape"),
        (255 - IMAGES, LABELS, "white on black"),
        (IMAGES + 128, LABELS, r"mean 128 of 255.* white on black"),
    ],
)
def test_unsuitable_data_is_reported(images: np.ndarray, labels: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        Dataset("mine", "train", "here", images, labels)
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("labels", [LABELS.tolist(), LABELS.astype(float), LABELS.astype(np.int64)])
def test_labels_of_other_types_are_converted(labels: object) -> None:
    found = Dataset("mine", "train", "here", IMAGES, labels)
    assert (found.labels.dtype, found.sha256) == (np.uint8, Dataset("mine", "train", "here", IMAGES, LABELS).sha256)


@settings(max_examples=30)
@given(st.integers(10, 30), st.integers(0, 1000))
def test_hold_out_keeps_class_frequencies_and_loses_no_image(count: int, seed: int) -> None:
    images = IMAGES.copy()
    images[:, 0, 0] = np.arange(40)
    rest, held = hold_out(Dataset("mine", "all", "here", images, LABELS), count, seed, ("train", "test"))
    assert len(held) == count
    assert sorted([*rest.images[:, 0, 0], *held.images[:, 0, 0]]) == list(range(40))
    assert np.ptp(np.bincount(held.labels, minlength=10)) <= 1
    assert (rest.split, held.split) == ("train", "test")
    for part in (rest, held):
        assert (np.diff(part.images[:, 0, 0].astype(int)) > 0).all(), "the images keep their order"


@pytest.mark.parametrize("count", [15, 30])
def test_the_only_image_of_a_class_is_one_of_the_larger_part(count: int) -> None:
    whole = Dataset("mine", "all", "here", IMAGES, np.where(np.arange(40) == 39, 9, LABELS % 9))
    rest, held = hold_out(whole, count, 0, ("train", "test"))
    assert (len(rest), len(held)) == (40 - count, count)
    assert (9 in held.labels) == (count == 30)


def test_each_seed_holds_out_others() -> None:
    images = IMAGES.copy()
    images[:, 0, 0] = np.arange(40)
    whole = Dataset("mine", "all", "here", images, LABELS)
    first, second, again = (hold_out(whole, 20, seed, ("train", "test")).test.images for seed in (0, 1, 0))
    assert (first != second).any()
    assert (first == again).all()


def test_too_few_images_to_divide_are_reported() -> None:
    with pytest.raises(DataError, match=r"12 images cannot be divided .*: only one shows 2, 3.* each digit"):
        hold_out(Dataset("mine", "all", "here", IMAGES[:12], LABELS[:12]), 5, 0, ("train", "test"))
    with pytest.raises(DataError, match="into train and test: 5 of them are too many or too few"):
        hold_out(Dataset("mine", "all", "here", IMAGES, LABELS), 5, 0, ("train", "test"))


def test_the_digits_are_divided_in_the_same_way_each_time(digits: Splits) -> None:
    assert (len(digits.train), len(digits.test)) == (297, 1500)
    again = load_data("digits")
    assert np.array_equal(again.test.images, digits.test.images)
    assert np.bincount(digits.test.labels).min() > 140
    assert digits.test.images.max(axis=(1, 2)).min() == 255


def test_mnist_has_its_published_size_and_class_frequencies(mnist_data: Splits) -> None:
    assert (len(mnist_data.train), len(mnist_data.test)) == (60_000, 10_000)
    assert np.bincount(mnist_data.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_pixels_are_scaled_to_0_to_1_in_the_input_shape_of_a_model(digits: Splits) -> None:
    few = digits.test.take(np.arange(3), "few")
    for shape in ((28, 28), (28, 28, 1), (784,)):
        pixels = few.pixels(shape)
        assert (pixels.shape, pixels.dtype) == ((3, *shape), np.float32)
        assert pixels.max() == 1
        np.testing.assert_array_equal(np.rint(pixels * 255).reshape(few.images.shape), few.images)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Task(28, 28, 1, ("b", "a"), "mnist"), "the 2 labels a, b, but the data has .* the 2 labels b, a"),
        (Task(28, 28, 1, ("a", "c"), "mnist"), "the data has .* the 2 labels a, c"),
        (Task(28, 28, 3, ("a", "b")), "the data has color images of 28x28"),
        (Task(28, 20, 1, ("a", "b")), "the data has gray images of 28x20"),
        (Task(28, 28, 1, ("a", "b")), None),
    ],
)
def test_a_file_is_measured_with_data_of_its_images_and_labels_only(given: Task, words: str | None) -> None:
    made_for = Task(28, 28, 1, ("a", "b"), "mnist")
    if words is None:
        check_same_task("mine.tflite", made_for, given)
        return
    with pytest.raises(ModelError, match=f"mine.tflite is for .*{words}"):
        check_same_task("mine.tflite", made_for, given)
