import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_exporters import Calibration
from mnist_exporters.errors import CalibrationError
from mnist_trainer import Dataset, Splits

LABELS = np.random.default_rng(0).integers(0, 10, 400).astype(np.uint8)
IMAGES = np.random.default_rng(1).integers(0, 250, (400, 28, 28), np.uint8) // 2
TRAINING = Dataset("made up", "train", "here", IMAGES, LABELS)


@settings(max_examples=50)
@given(st.integers(1, 400), st.integers(0, 2**31 - 1))
def test_the_digits_take_turns(count: int, seed: int) -> None:
    drawn = Calibration.draw(TRAINING, count, seed)
    assert len(drawn.images) == count
    tell = {image[1:].tobytes(): label for image, label in zip(IMAGES, LABELS, strict=True)}
    dealt = np.bincount([tell[image[1:].tobytes()] for image in drawn.images], minlength=10)
    available = np.bincount(LABELS, minlength=10)
    unfinished = dealt < available
    assert np.ptp(dealt[unfinished]) <= 1 if unfinished.any() else count == 400
    assert len({image.tobytes() for image in drawn.images}) == count


def test_the_seed_decides() -> None:
    first, again, other = (Calibration.draw(TRAINING, 50, seed).as_dict() for seed in (3, 3, 4))
    assert first == again
    assert first["sha256"] != other["sha256"]


def test_the_whole_range_of_pixels_is_shown_and_the_data_left_alone() -> None:
    drawn = Calibration.draw(TRAINING, 10, seed=0)
    assert drawn.images.max() == 255
    assert (drawn.images == 255).sum() == 1
    assert IMAGES.max() < 255


def test_overlap_with_the_test_images_is_refused(digits: Splits) -> None:
    drawn = Calibration.draw(digits.train, 50, seed=0)
    drawn.refuse_overlap(digits.test.images)
    with pytest.raises(CalibrationError, match="1 of 50 are among both"):
        drawn.refuse_overlap(np.concatenate([digits.test.images, drawn.images[7:8]]))


@pytest.mark.parametrize("count", [0, 401])
def test_too_many_or_none_are_refused(count: int) -> None:
    with pytest.raises(CalibrationError, match=f"received {count}"):
        Calibration.draw(TRAINING, count, seed=0)


def test_nothing_is_drawn_from_the_test_images(digits: Splits) -> None:
    drawn = Calibration.draw(digits.train, len(digits.train), seed=0)
    test = {image.tobytes() for image in digits.test.images}
    assert not test & {image.tobytes() for image in drawn.images}
