"""Data sets against `mnist_runtime.prepare`: an MNIST image is already prepared."""

import hashlib

import numpy as np
from sklearn.datasets import load_digits

from mnist_runtime import prepare
from mnist_trainer import Splits


def center_of_mass(image: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(image.shape)
    return (rows * image).sum() / image.sum(), (columns * image).sum() / image.sum()


def test_preparing_a_prepared_digit_hardly_changes_it(digits: Splits) -> None:
    for image in digits.test.images[:200]:
        again = prepare(image)
        assert np.abs(np.subtract(center_of_mass(again), 14)).max() <= 0.6
        assert np.abs(again.astype(int) - image).mean() < 8


def test_most_mnist_images_do_not_change(mnist_data: Splits) -> None:
    images = mnist_data.train.images[:500]
    prepared = np.stack([prepare(image) for image in images])
    assert np.abs(prepared.astype(int) - images).mean() < 0.5
    assert np.mean([np.array_equal(a, b) for a, b in zip(images, prepared, strict=True)]) > 0.7


def test_digits_that_fill_their_box_give_the_same_bytes_on_every_machine() -> None:
    """Nothing is resampled here, so all arithmetic is exact."""
    coarse = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    coarse = coarse[(coarse.max(axis=(1, 2)) == 255) & (coarse.max(axis=2).min(axis=1) > 64)]
    spread = np.arange(20) * 8 // 20
    prepared = np.stack([prepare(np.pad(image[np.ix_(spread, spread)], 4)) for image in coarse])
    assert (
        hashlib.sha256(prepared.tobytes()).hexdigest()
        == "bddb99a9721c10a38994d4c660a2eb18be6f261935ad9303a101e6f910a1bc9a"
    )
