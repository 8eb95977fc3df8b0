import numpy as np
import pytest

from mnist_runtime import Classifier
from mnist_trainer.evaluation.out_of_distribution import NON_DIGITS


@pytest.mark.long
@pytest.mark.parametrize("name", NON_DIGITS)
def test_each_kind_is_varied_and_depends_on_the_seed(name: str) -> None:
    pictures = NON_DIGITS[name](40, seed=3)
    assert (pictures.shape, pictures.dtype) == ((40, 28, 28), np.uint8)
    assert len({picture.tobytes() for picture in pictures}) > 30
    assert np.array_equal(NON_DIGITS[name](40, seed=3), pictures)
    assert not np.array_equal(NON_DIGITS[name](40, seed=4), pictures)


def test_letters_have_the_size_of_digits() -> None:
    letters = NON_DIGITS["letters"](40, seed=0)
    heights = [(picture.max(axis=1) > 30).sum() for picture in letters]
    widths = [(picture.max(axis=0) > 30).sum() for picture in letters]
    assert max(heights + widths) <= 21
    assert set(Classifier.load().predict(letters)) != {0}
    pairs = [
        (picture.max(axis=0) > 30).sum() / (picture.max(axis=1) > 30).sum() for picture in NON_DIGITS["pairs"](40, 0)
    ]
    assert np.median(pairs) > 1.2 > np.median(np.divide(widths, heights)), "two letters side by side"
