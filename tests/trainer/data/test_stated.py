"""What the user states goes before what a model states, and both before what the data shows."""

from pathlib import Path

import pytest

from mnist_trainer import UsageError
from mnist_trainer.data.stated import StatedTask, parse_labels

DIGITS = tuple("0123456789")


@pytest.mark.parametrize(
    ("user", "model", "both"),
    [
        (
            StatedTask(labels=("a", "b")),
            StatedTask(labels=("c", "d", "e"), channels=3),
            StatedTask(labels=("a", "b"), channels=3, converts=False),
        ),
        (StatedTask(labels=("a", "b")), StatedTask(classes=2), StatedTask(labels=("a", "b"))),
        (StatedTask(classes=4), StatedTask(classes=5), StatedTask(classes=4)),
        (StatedTask(), StatedTask(classes=5), StatedTask(classes=5)),
        (
            StatedTask(),
            StatedTask((28, 28), 1, preparation="mnist"),
            StatedTask((28, 28), 1, None, "mnist", None, False),
        ),
        (StatedTask((32, 20)), StatedTask((28, 28), 1, preparation="mnist"), StatedTask((32, 20), 1, converts=False)),
        (StatedTask((32, 20), 3), StatedTask((28, 28), 1, preparation="mnist"), StatedTask((32, 20), 3)),
        (StatedTask(preparation="plain"), StatedTask((28, 28), 1, preparation="mnist"), None),
    ],
)
def test_what_the_user_states_goes_first(user: StatedTask, model: StatedTask, both: StatedTask | None) -> None:
    assert user.filled(model) == (both or StatedTask((28, 28), 1, None, "plain", None, False))


@pytest.mark.parametrize(
    ("stated", "may_be"),
    [
        (StatedTask(), True),
        (StatedTask((28, 28), 1, DIGITS, "mnist", 10), True),
        (StatedTask((28, 20)), False),
        (StatedTask(channels=3), False),
        (StatedTask(labels=DIGITS[::-1]), False),
        (StatedTask(preparation="plain"), False),
        (StatedTask(classes=9), False),
    ],
)
def test_digits_have_the_form_of_mnist(stated: StatedTask, may_be: bool) -> None:
    assert stated.may_be_digits is may_be


@pytest.mark.parametrize(
    ("labels", "stated", "preparation"),
    [
        (DIGITS, StatedTask(), "mnist"),
        (DIGITS[::-1], StatedTask(), "mnist"),
        (("a", "b"), StatedTask(), "plain"),
        (("a", "b"), StatedTask(preparation="mnist"), "mnist"),
        (DIGITS, StatedTask((28, 20)), "plain"),
        (DIGITS, StatedTask(preparation="plain"), "plain"),
    ],
)
def test_only_digits_in_the_form_of_mnist_are_prepared_as_such(
    labels: tuple[str, ...], stated: StatedTask, preparation: str
) -> None:
    assert stated.task(28, 28, 1, labels).preparation == preparation


@pytest.mark.parametrize("content", ["left\nright\n\n \n", "\ufeffleft\nright", "left \r\n right\r\n"])
def test_a_file_of_labels_is_read(content: str, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes(content.encode())
    assert parse_labels(str(tmp_path / "labels.txt")) == ("left", "right")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("left,,right", r"^--labels: The label in entry 2 is wrong"),
        ("left,left", r"The label in entry 2 is wrong"),
        ("left\n\nright\n", r"labels\.txt: The label in line 2 is wrong"),
        ("left\n", r"labels\.txt: The number of labels is 1, but must be 2 to 1,000"),
    ],
)
def test_wrong_labels_are_named_by_their_place(text: str, words: str, tmp_path: Path) -> None:
    if "\n" in text:
        (tmp_path / "labels.txt").write_text(text)
        text = str(tmp_path / "labels.txt")
    with pytest.raises(UsageError, match=words):
        parse_labels(text)
