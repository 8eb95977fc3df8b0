import numpy as np

from mnist_exporters import Calibration
from mnist_exporters.inputs.golden import golden_digits
from mnist_trainer import Splits


def test_golden_digits_are_ten_test_images_of_the_digits(digits: Splits) -> None:
    images = golden_digits()
    drawn = Calibration.draw(digits.test, 10, seed=0).images
    assert images.dtype == drawn.dtype
    assert np.array_equal(images, drawn)
