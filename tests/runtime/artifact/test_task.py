"""The facts that a model, its data and its files share, and their bounds."""

from __future__ import annotations

from typing import Any

import pytest

from mnist_runtime.artifact.task import DIGITS, Task


def test_handwritten_digits_are_the_default_of_mnist() -> None:
    assert DIGITS.is_mnist
    assert DIGITS.digits == tuple(range(10))
    assert DIGITS.pixels == 784
    assert DIGITS.preparation == "mnist"


@pytest.mark.parametrize("labels", [("0", "1", "N"), ("zero", "one"), ("10", "11"), ("12", "3"), ("²", "3")])
def test_labels_that_are_no_digits_have_no_digits(labels: tuple[str, ...]) -> None:
    assert Task(labels=labels).digits is None


def test_some_digits_in_any_order_are_digits_but_not_those_of_mnist() -> None:
    some = Task(labels=("7", "3"))
    assert some.digits == (7, 3)
    assert not some.is_mnist


def test_facts_at_their_bounds_are_accepted() -> None:
    task = Task(8, 128, 3, ("a" * 100, *map(str, range(999))))
    assert (task.image_shape, len(task.labels)) == ((8, 128, 3), 1000)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"height": 7}, "7 x 28 pixels"),
        ({"width": 129}, "28 x 129 pixels"),
        ({"channels": 2}, "2 channels"),
        ({"labels": ("a",)}, "number of labels is 1,"),
        ({"labels": tuple(map(str, range(1001)))}, "number of labels is 1,001,"),
        ({"labels": ("a", "b", "a")}, "label at entry 3 is wrong: 'a' is the name of entry 1 too"),
        ({"labels": ("a", "")}, "label at entry 2 is wrong: it is empty"),
        ({"labels": ("a", "b ")}, "ends with a space"),
        ({"labels": ("a", "\x1b[2J")}, "control characters"),
        ({"labels": ("a", "b" * 101)}, "more than 100 characters"),
        ({"width": 20, "preparation": "mnist"}, "preparation of MNIST"),
        ({"channels": 3, "preparation": "mnist"}, "preparation of MNIST"),
    ],
)
def test_facts_outside_the_bounds_are_refused(facts: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Task(**facts)
