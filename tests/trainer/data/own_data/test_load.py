from pathlib import Path

import numpy as np
import pytest

from mnist_runtime.system.terminal import quiet
from mnist_trainer import DataError, Splits, load_data
from mnist_trainer.data.files.any_form import OTHER_FORMS
from mnist_trainer.data.own_data.known_images import mnist_training_images


def test_an_undivided_set_trains_on_four_fifths_and_is_divided_in_the_same_way_each_time(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "mine.npz", images=digits.test.images, labels=digits.test.labels)
    first, again = load_data(str(tmp_path / "mine.npz")), load_data(str(tmp_path / "mine.npz"))
    assert (len(first.train), len(first.test)) == (1200, 300)
    assert np.array_equal(first.test.images, again.test.images)
    assert np.ptp(np.bincount(first.test.labels) / np.bincount(digits.test.labels)) < 0.01
    assert not {i.tobytes() for i in first.train.images} & {i.tobytes() for i in first.test.images}
    said = capsys.readouterr().err.splitlines()[0]
    assert said.endswith("as arrays images, labels; 1,500 images, divided: 1,200 for training, 300 for the test")


def test_of_data_that_no_model_has_seen_four_fifths_are_tested(tmp_path: Path, digits: Splits) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, images=digits.test.images, labels=digits.test.labels)
    trained_on = load_data(str(path))
    for seen in ({"mine.npz"}, {trained_on.test.sha256}, {"mnist", trained_on.train.sha256}):
        assert np.array_equal(load_data(str(path), seen=seen).test.images, trained_on.test.images)
    tested = load_data(str(path), seen={"mnist"})
    assert [len(split) for split in tested] == [300, 1200]


def test_a_digit_with_one_or_two_images_is_named(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    for count in (1, 2):
        keep = (digits.train.labels != 4) | (np.cumsum(digits.train.labels == 4) <= count)
        np.savez(tmp_path / "mine.npz", images=digits.train.images[keep], labels=digits.train.labels[keep])
        for seen, use in ((None, "for training, and not tested"), ({"other"}, "for the test, and not learned")):
            load_data(str(tmp_path / "mine.npz"), seen=seen)
            said = capsys.readouterr().err
            assert f"note: too few images show 4 ({count}): they are used {use}. Give at least three" in said
            assert "no test image shows" not in said


@pytest.mark.parametrize(("lacking", "words"), [((5,), "digit 5"), ((1, 5, 6), "digits 1, 5, 6")])
def test_digits_without_a_test_image_are_named(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str], lacking: tuple[int, ...], words: str
) -> None:
    keep = ~np.isin(digits.test.labels, lacking)
    np.savez(tmp_path / "mine.npz", images=digits.test.images[keep], labels=digits.test.labels[keep])
    load_data(str(tmp_path / "mine.npz"))
    assert f"note: no test image shows the {words}\n" in capsys.readouterr().err


def test_images_in_both_splits_are_counted(tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str]) -> None:
    train, test = digits
    x_train, y_train = (np.concatenate([getattr(train, key), getattr(test, key)[:60]]) for key in ("images", "labels"))
    np.savez(tmp_path / "mine.npz", x_train=x_train, y_train=y_train, x_test=test.images, y_test=test.labels)
    assert [len(split) for split in load_data(str(tmp_path / "mine.npz"))] == [357, 1500]
    assert "note: 60 of 1,500 test images are also training images" in capsys.readouterr().err


def test_many_images_in_both_splits_are_a_warning_that_a_quiet_command_shows(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels = digits.test.images[:600], digits.test.labels[:600]
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    with quiet(wanted=True):
        load_data(str(tmp_path / "mine.npz"))
    assert capsys.readouterr().err.startswith(
        "warning: 600 of 600 test images are also training images, so that a test"
    )


@pytest.mark.parametrize("form", OTHER_FORMS, ids=lambda form: form.name)
def test_other_files_are_named_for_what_they_are(tmp_path: Path, form: object) -> None:
    magic, name, fix = form
    (tmp_path / "mine.csv").write_bytes(magic + b" more, of it, that follows, 1, 2, 3\n")
    with pytest.raises(DataError) as caught:
        load_data(str(tmp_path / "mine.csv"))
    assert str(caught.value).endswith(f"mine.csv: This is {name}, which is not read as a data set. {fix}")


def test_broken_and_unknown_files_are_reported(tmp_path: Path) -> None:
    for name, content, words in (
        ("mine.npz", b"PK\3\4 but no zip", "is not an .npz file, or it is incomplete"),
        ("empty.csv", b"", "The file is empty"),
        ("words.txt", b"hello\n", "The file is of an unknown kind. Give a CSV or .npz file"),
        ("noise.bin", b"\1\2\3,\0,4", "The file is of an unknown kind"),
        ("cut.gz", b"\x1f\x8b\x08", "The gzip file ends early or is damaged"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError) as caught:
            load_data(str(tmp_path / name))
        assert words in str(caught.value)
        assert name in str(caught.value)
        assert caught.value.exit_code == 6
    with pytest.raises(DataError, match="xxx"):
        load_data(str(tmp_path / ("x" * 300)))
    with pytest.raises(DataError, match="neither a file nor a folder"):
        load_data("/dev/null")


def test_training_images_of_mnist_are_recognized(
    tmp_path: Path, digits: Splits, mnist_data: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels = mnist_data.train.images[:60_000:20], mnist_data.train.labels[::20]
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    load_data(str(tmp_path / "mine.npz"), seen=["mnist"])
    assert "note: about 2,400 of the 2,400 test images are training images of MNIST" in capsys.readouterr().err
    for split in (mnist_data.test, digits.train, digits.test):
        assert mnist_training_images(split.images) == 0
    assert mnist_training_images(mnist_data.train.images) == 60_000
