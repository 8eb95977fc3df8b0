from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from mnist_runtime.artifact.task import Task
from mnist_trainer import (
    AUGMENTATIONS,
    CorruptionAugmentation,
    NonDigits,
    PenDigits,
    Recipe,
    Splits,
    UsageError,
    architecture,
)
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


def test_each_image_is_changed_differently_in_each_epoch(digits: Splits) -> None:
    one = digits.train.take(np.zeros(64, np.intp), "train")
    batches = Batches(one, replace(TUTORIAL, augmentation=AUGMENTATIONS["strong"]), (28, 28), seed=0)
    images = [epoch(batches, number)[0] for number in range(2)]
    assert len({image.tobytes() for image in np.concatenate(images)}) == 128


def test_images_and_labels_have_the_form_that_model_and_loss_take(digits: Splits) -> None:
    recipe = replace(TUTORIAL, loss="categorical_crossentropy", batch_size=1000)
    images, labels = epoch(Batches(digits.train, recipe, (784,), seed=0), 0)
    assert (images.shape, labels.shape) == ((297, 784), (297, 10))
    assert (images.min(), images.max(), images.dtype) == (0, 1, np.float32)
    assert np.array_equal(labels.sum(axis=0), np.bincount(digits.train.labels))


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.long
def test_pen_digits_and_signs_are_part_of_each_batch_with_targets_of_their_own(digits: Splits) -> None:
    recipe = replace(
        TUTORIAL, loss="categorical_crossentropy", batch_size=50, pen=PenDigits(0.2, confidence=0.91, signs=0.1)
    )
    asked: list[int] = []

    def teacher(images: tf.Tensor, targets: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        asked.append(int(images.shape[0]))
        assert rows.shape == images.shape[:1]
        return 0.0 * targets  # of what a teacher says about pen digits, nothing is left

    plain, taught = (Batches(digits.train, recipe, (28, 28), seed=0, teacher=one) for one in (None, teacher))
    known = {image.tobytes() for image in digits.train.images}
    images, targets = epoch(plain, 0)
    is_pen = np.array([image not in known for image in as_bytes(images)])
    assert is_pen.reshape(-1, 50).sum(axis=1).tolist() == [15] * plain.steps
    np.testing.assert_allclose(np.sort(targets[is_pen].max(axis=1))[[0, -1]], [0.1, 0.91])
    assert (targets[~is_pen].max(axis=1) == 1).all()
    same, softened = epoch(taught, 0)
    assert np.array_equal(images, same)
    assert asked
    assert np.array_equal(softened[is_pen], targets[is_pen])
    assert not softened[~is_pen].any()


def test_the_pen_is_for_digits_only(digits: Splits) -> None:
    letters = replace(digits.train, task=Task(28, 28, 1, tuple("abcdefghij")))
    recipe = replace(TUTORIAL, loss="categorical_crossentropy", pen=PenDigits(0.1))
    with pytest.raises(UsageError, match="Leave pen out"):
        Batches(letters, recipe, (28, 28), seed=0)


def test_a_recipe_names_its_kinds_of_corruptions(digits: Splits) -> None:
    recipe = replace(TUTORIAL, batch_size=100, corruptions=CorruptionAugmentation(0.5, ("inverted",)))
    images, _ = epoch(Batches(digits.train, recipe, (28, 28), seed=0), 0)
    bright = images[:100, 0, 0] > 0.2
    assert (bright[:50].mean(), bright[50:].mean()) == pytest.approx((0, 0.9), abs=0.1)
