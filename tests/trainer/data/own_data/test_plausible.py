"""Notes on images that are not upright, and on wrong labels."""

from pathlib import Path

import numpy as np
import pytest

from mnist_trainer import Splits, load_data
from mnist_trainer.data.own_data.plausible import WAYS, doubts


@pytest.mark.parametrize("way", WAYS)
def test_images_that_are_not_upright_are_noticed(way: str, digits: Splits) -> None:
    images, labels = digits.train.images, digits.train.labels
    turn = WAYS[way][1]
    lying = turn(turn(turn(images)))  # four turns change nothing
    (note,) = doubts(np.ascontiguousarray(lying), labels)
    assert way in note
    assert np.array_equal(turn(lying), images)
    assert WAYS[way][0] in note


def test_shifted_labels_are_noticed(digits: Splits) -> None:
    (note,) = doubts(digits.train.images, (digits.train.labels + 1) % 10)
    assert "as the label plus 9" in note


def test_wrong_labels_are_noticed(digits: Splits) -> None:
    images, labels = digits.train.images, digits.train.labels.copy()
    labels[labels == 3] = 8
    (note,) = doubts(images, labels)
    assert "most often 3 with the label 8. Check the labels." in note
    random = np.random.default_rng(0)
    wrong = random.permutation(len(labels))[: 3 * len(labels) // 10]
    labels = digits.train.labels.copy()
    labels[wrong] = (labels[wrong] + random.integers(1, 10, len(wrong))) % 10
    (note,) = doubts(images, labels)
    assert "Check the labels." in note


def test_upright_digits_get_no_note_and_other_pictures_are_named(digits: Splits) -> None:
    labels = digits.train.labels
    assert doubts(digits.train.images, labels) == []
    assert doubts(digits.train.images[:199], (labels[:199] + 1) % 10) == [], "too few for a conclusion"
    noise = np.random.default_rng(0).integers(0, 256, (len(labels), 28, 28)).astype(np.uint8)
    (note,) = doubts(noise, labels)
    assert "may be no digits. Name other classes with --labels" in note


def test_images_that_are_read_badly_in_each_orientation_get_no_note(digits: Splits) -> None:
    """As those that a model doubted; in one orientation they may be read better than in the others."""
    images, labels = np.rot90(digits.train.images, 1, (1, 2)).copy(), digits.train.labels
    noise = np.random.default_rng(1)
    scribbled = noise.permutation(len(images))[: len(images) // 2]
    images[scribbled] = noise.integers(0, 256, (len(scribbled), 28, 28))
    assert doubts(images, labels) == []


@pytest.mark.long
def test_digits_of_which_half_are_scribbled_over_are_digits(digits: Splits) -> None:
    images = digits.train.images.copy()
    noise = np.random.default_rng(1)
    scribbled = noise.permutation(len(images))[: len(images) // 2]
    images[scribbled] = noise.integers(0, 256, (len(scribbled), 28, 28))
    assert doubts(images, digits.train.labels) == []


@pytest.mark.long
def test_labels_of_which_half_are_shifted_are_wrong_and_not_shifted(digits: Splits) -> None:
    labels = digits.train.labels.copy()
    labels[::2] = (labels[::2] + 1) % 10
    (note,) = doubts(digits.train.images, labels)
    assert "show another digit than their label" in note


@pytest.mark.parametrize(("wrong", "is_noticed"), [(2, False), (9, True)])
def test_wrong_labels_are_noticed_from_one_percent(digits: Splits, wrong: int, is_noticed: bool) -> None:
    labels = digits.train.labels.copy()
    labels[:wrong] = (labels[:wrong] + 1) % 10
    assert ["of 297 images show" in note for note in doubts(digits.train.images, labels)] == [True] * is_noticed


@pytest.mark.long
def test_symmetric_digits_with_wrong_labels_are_not_said_to_be_upside_down(digits: Splits) -> None:
    """They are read about as well in each orientation."""
    symmetric = np.flatnonzero(np.isin(digits.test.labels, (0, 1, 8)))[:200]
    images, labels = digits.test.images[symmetric], digits.test.labels[symmetric].copy()
    labels[::4] = (labels[::4] + 3) % 10
    (note,) = doubts(images, labels)
    assert "show another digit than their label" in note


def test_the_note_is_printed_with_the_data(digits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = digits.train.images.transpose(0, 2, 1)
    np.savez(tmp_path / "emnist.npz", images=images, labels=digits.train.labels)
    load_data(str(tmp_path / "emnist.npz"))
    assert "note: the images seem to be mirrored at the diagonal" in capsys.readouterr().err
