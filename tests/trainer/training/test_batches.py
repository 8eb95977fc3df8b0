from dataclasses import replace

import numpy as np
import pytest

from mnist_trainer import AUGMENTATIONS, CorruptionAugmentation, NonDigits, Splits, architecture
from mnist_trainer.training.batches import Batches

TUTORIAL = architecture("flatten-100").recipe


def epoch(batches: Batches, number: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*batches.epoch(number).as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def test_an_epoch_shows_every_image_once_but_for_a_rest(digits: Splits) -> None:
    batches = Batches(digits.train, TUTORIAL, (28, 28), seed=3)
    images, labels = epoch(batches, 0)
    assert len(images) == 32 * batches.steps == 288
    numbers = {image.tobytes(): index for index, image in enumerate(digits.train.images)}
    seen = [numbers[np.rint(image * 255).astype(np.uint8).tobytes()] for image in images]
    assert len(set(seen)) == 288
    assert np.array_equal(digits.train.labels[seen], labels)
    assert seen != sorted(seen)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS.values(), ids=AUGMENTATIONS)
def test_an_epoch_depends_on_seed_and_number_alone(digits: Splits, augmentation: object) -> None:
    recipe = replace(TUTORIAL, augmentation=augmentation)
    after_others, alone, other = (Batches(digits.train, recipe, (28, 28), seed) for seed in (3, 3, 4))
    for number in range(2):
        epoch(after_others, number)
    wanted = epoch(alone, 2)
    assert all(map(np.array_equal, wanted, epoch(after_others, 2)))
    for different in (epoch(alone, 1), epoch(other, 2)):
        assert not np.array_equal(wanted[0], different[0])
        assert not np.array_equal(wanted[1], different[1])


def test_each_batch_is_changed_in_its_own_way(digits: Splits) -> None:
    one = digits.train.take(np.zeros(64, np.intp), "train")
    images, _ = epoch(Batches(one, replace(TUTORIAL, augmentation=AUGMENTATIONS["strong"]), (28, 28), seed=0), 0)
    assert len({image.tobytes() for image in images}) == 64


def test_images_and_labels_are_as_model_and_loss_want_them(digits: Splits) -> None:
    recipe = replace(TUTORIAL, loss="categorical_crossentropy", batch_size=1000)
    images, labels = epoch(Batches(digits.train, recipe, (784,), seed=0), 0)
    assert (images.shape, labels.shape) == ((297, 784), (297, 10))
    assert (images.min(), images.max(), images.dtype) == (0, 1, np.float32)
    assert np.array_equal(labels.sum(axis=0), np.bincount(digits.train.labels))


def test_at_the_end_fewer_images_are_spoilt(digits: Splits) -> None:
    recipe = replace(
        TUTORIAL,
        loss="categorical_crossentropy",
        batch_size=256,
        epochs=5,
        final_epochs=3,
        cached_epochs=2,
        corruptions=CorruptionAugmentation(0.34),
        non_digits=NonDigits(0.12),
    )
    batches = Batches(digits.train, recipe, (28, 28), seed=0)
    known = {image.tobytes() for image in digits.train.images}
    epochs = [epoch(batches, number) for number in range(5)]
    shown = [sorted(np.rint(image * 255).astype(np.uint8).tobytes() for image in images) for images, _ in epochs]
    assert [sum(image in known for image in images) for images in shown] == pytest.approx(
        [256 - 5 * 17 - 3 * 8] * 2 + [256 - 17 - 8] * 3, abs=6
    )
    assert shown[2] == shown[4] != shown[3]
    resumed = Batches(digits.train, recipe, (28, 28), seed=0)
    assert all(map(np.array_equal, epoch(resumed, 4), epochs[4]))
