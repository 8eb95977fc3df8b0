from dataclasses import replace

import numpy as np
import pytest

from mnist_trainer import AUGMENTATIONS, CorruptionAugmentation, NonDigits, Recipe, Splits, architecture
from mnist_trainer.augmentation.non_digits import NON_DIGITS
from mnist_trainer.training.batches import Batches

TUTORIAL = architecture("flatten-100").recipe


def epoch(batches: Batches, number: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*batches.epoch(number).as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def as_bytes(images: np.ndarray) -> list[bytes]:
    """Return each image with pixels 0..255."""
    return [np.rint(image * 255).astype(np.uint8).tobytes() for image in images]


def test_an_epoch_shows_each_image_once_in_random_order_without_the_rest(digits: Splits) -> None:
    batches = Batches(digits.train, TUTORIAL, (28, 28), seed=3)
    images, labels = epoch(batches, 0)
    assert len(images) == 32 * batches.steps == 288
    numbers = {image.tobytes(): index for index, image in enumerate(digits.train.images)}
    seen = [numbers[image] for image in as_bytes(images)]
    assert len(set(seen)) == 288
    assert np.array_equal(digits.train.labels[seen], labels)
    assert seen != sorted(seen)


@pytest.mark.parametrize(
    "recipe",
    [
        TUTORIAL,
        replace(TUTORIAL, augmentation=AUGMENTATIONS["strong"]),
        replace(TUTORIAL, augmentation=AUGMENTATIONS["strong"], cached_epochs=2),
    ],
    ids=["plain", "augmented", "cached"],
)
def test_an_epoch_depends_only_on_the_seed_and_its_number(digits: Splits, recipe: Recipe) -> None:
    after_others, alone, other = (Batches(digits.train, recipe, (28, 28), seed) for seed in (3, 3, 4))
    for number in range(3):
        epoch(after_others, number)
    wanted = epoch(alone, 3)
    assert all(map(np.array_equal, wanted, epoch(after_others, 3)))
    for different in (epoch(alone, 2), epoch(other, 3)):
        assert not np.array_equal(wanted[0], different[0])
        assert not np.array_equal(wanted[1], different[1])


def test_each_image_is_changed_differently(digits: Splits) -> None:
    one = digits.train.take(np.zeros(64, np.intp), "train")
    images, _ = epoch(Batches(one, replace(TUTORIAL, augmentation=AUGMENTATIONS["strong"]), (28, 28), seed=0), 0)
    assert len({image.tobytes() for image in images}) == 64


def test_images_and_labels_have_the_form_that_model_and_loss_take(digits: Splits) -> None:
    recipe = replace(TUTORIAL, loss="categorical_crossentropy", batch_size=1000)
    images, labels = epoch(Batches(digits.train, recipe, (784,), seed=0), 0)
    assert (images.shape, labels.shape) == ((297, 784), (297, 10))
    assert (images.min(), images.max(), images.dtype) == (0, 1, np.float32)
    assert np.array_equal(labels.sum(axis=0), np.bincount(digits.train.labels))


def test_cached_epochs_are_shown_again_in_another_order(digits: Splits) -> None:
    recipe = replace(
        TUTORIAL, loss="categorical_crossentropy", batch_size=64, cached_epochs=2, non_digits=NonDigits(fraction=0.25)
    )
    batches = Batches(digits.train, recipe, (28, 28, 1), seed=0)
    (first, targets), (second, _), (again, _) = (epoch(batches, number) for number in range(3))
    assert as_bytes(first) != as_bytes(again)
    assert sorted(as_bytes(first)) == sorted(as_bytes(again)) != sorted(as_bytes(second))
    np.testing.assert_allclose(first * 255, np.round(first * 255), atol=1e-4)
    assert (targets.max(axis=1) < 0.2).mean() == pytest.approx(len(NON_DIGITS) / 64)


def test_the_final_epochs_have_fewer_corrupted_images_and_non_digits(digits: Splits) -> None:
    recipe = replace(
        TUTORIAL,
        loss="categorical_crossentropy",
        batch_size=256,
        epochs=4,
        final_epochs=3,
        cached_epochs=2,
        corruptions=CorruptionAugmentation(0.34),
        non_digits=NonDigits(0.12),
    )
    batches = Batches(digits.train, recipe, (28, 28), seed=0)
    known = {image.tobytes() for image in digits.train.images}
    shown = [sorted(as_bytes(epoch(batches, number)[0])) for number in range(4)]
    assert [sum(image in known for image in images) for images in shown] == pytest.approx(
        [256 - 5 * 17 - 3 * 8] + [256 - 17 - 8] * 3, abs=6
    )
    assert shown[1] == shown[3] != shown[2]
