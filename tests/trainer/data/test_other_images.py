"""Own data of other sizes, channels and labels than those of MNIST, in every form of file."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer import DataError, Splits, UsageError, load_data
from mnist_trainer.data.files.arrays.labels import classes_of, read_labels
from mnist_trainer.data.stated import StatedTask, parse_labels

LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
METER = (*"0123456789", "N")


def images(labels: np.ndarray, *shape: int) -> np.ndarray:
    """Return random images, all different."""
    return np.random.default_rng(len(shape)).integers(0, 256, (len(labels), *shape), np.uint8)


def write_idx(folder: Path, name: str, x: np.ndarray, y: np.ndarray) -> None:
    for part, array in ((f"images-idx{x.ndim}", x), ("labels-idx1", y)):
        header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        (folder / f"{name}-{part}-ubyte").write_bytes(header + array.tobytes())


def write_pictures(folder: Path, x: np.ndarray, names: list[str]) -> None:
    for number, (pixels, name) in enumerate(zip(x, names, strict=True)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name / f"{number:04}.png")


def test_letters_in_idx_files_get_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    y = (np.arange(104) % 26 + 1).astype(np.uint8)
    x = images(y, 28, 28)
    for name in ("emnist-letters-train", "emnist-letters-test"):
        write_idx(tmp_path, name, x, y)
    train, test = load_data(str(tmp_path), stated=StatedTask(labels=LETTERS))
    assert train.task == test.task == Task(28, 28, 1, LETTERS)
    assert np.array_equal(train.labels, y - 1)
    assert np.array_equal(train.images, x), "no image is inverted"
    said = capsys.readouterr().err
    assert "labels 1 to 26" in said
    assert "note: gray images of 28x28 pixels in 26 classes (a, b, c, d, e, f, g, h, i, j, ..., z); on a device" in said
    unnamed = load_data(str(tmp_path)).test
    assert unnamed.task.labels == tuple(map(str, range(1, 27)))
    assert np.array_equal(unnamed.labels, y - 1)
    assert "EMNIST publishes its images mirrored at the diagonal" in capsys.readouterr().err
    (tmp_path / "emnist-letters-mapping.txt").write_text("".join(f"{n} {64 + n} {96 + n}\n" for n in range(1, 27)))
    assert load_data(str(tmp_path)).test.task.labels == tuple(name.upper() for name in LETTERS)
    for damaged in ("1 a\n2 b\n", "1\n2\n", "1 99999999999\n2 66\n", "\u00e9", ""):
        (tmp_path / "emnist-letters-mapping.txt").write_text(damaged)
        assert load_data(str(tmp_path)).test.task.labels == unnamed.task.labels


def test_ten_classes_of_28x28_are_digits_unless_they_are_named(tmp_path: Path) -> None:
    y = np.arange(60) % 10
    x = images(y, 28, 28) // 3
    np.savez(tmp_path / "fashion.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    assert load_data(str(tmp_path / "fashion.npz")).test.task == DIGITS
    names = ("top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
    named = load_data(str(tmp_path / "fashion.npz"), stated=StatedTask(labels=names)).test
    assert (named.task.labels, named.task.preparation) == (names, "plain")
    np.savez(tmp_path / "fashion.npz", images=x, labels=y, class_names=names)
    assert load_data(str(tmp_path / "fashion.npz")).test.task.labels == names
    np.savez(tmp_path / "fashion.npz", images=x, labels=np.array(names)[y])
    found = load_data(str(tmp_path / "fashion.npz"))
    assert found.test.task.labels == tuple(sorted(names))
    assert {found.test.task.labels[label] for label in found.test.labels} == set(names)


@pytest.mark.parametrize(
    ("shape", "stated", "expected"),
    [
        ((20, 16), StatedTask(), (20, 16)),
        ((20, 16, 3), StatedTask(), (20, 16, 3)),
        ((3, 20, 16), StatedTask(), (20, 16, 3)),
        ((20 * 16 * 3,), StatedTask(size=(20, 16)), (20, 16, 3)),
        ((20 * 16,), StatedTask(size=(20, 16)), (20, 16)),
        ((20, 16, 3), StatedTask(channels=1), (20, 16)),
        ((20, 16), StatedTask(channels=3), (20, 16, 3)),
        ((20, 16, 3), StatedTask(size=(10, 8)), (10, 8, 3)),
    ],
    ids=str,
)
def test_arrays_of_any_shape_are_read(
    tmp_path: Path, shape: tuple[int, ...], stated: StatedTask, expected: tuple[int, ...]
) -> None:
    y = np.arange(40) % 4
    x = images(y, *shape)
    np.savez(tmp_path / "mine.npz", images=x, labels=y)
    test = load_data(str(tmp_path / "mine.npz"), stated=stated).test
    assert test.task.image_shape == test.images.shape[1:] == expected
    assert test.task.labels == ("0", "1", "2", "3")


@pytest.mark.parametrize("has_header", [True, False])
def test_a_table_of_another_size_is_read(tmp_path: Path, has_header: bool) -> None:
    y = np.arange(48) % 12
    x = images(y, 10, 8, 3)
    header = ",".join(["label", *map(str, range(240))])
    options = {"header": header, "comments": ""} if has_header else {}
    x[:, 0, 0, 0] = x[:, -1, -1, -1] = 255  # so that the pixels at the ends are no labels
    np.savetxt(tmp_path / "mine.csv", np.column_stack([y, x.reshape(48, -1)]), fmt="%d", delimiter=",", **options)
    train, test = load_data(str(tmp_path / "mine.csv"), stated=StatedTask(size=(10, 8)))
    assert (train.task.image_shape, len(train.task.labels)) == ((10, 8, 3), 12)
    assert {image.tobytes() for split in (train, test) for image in split.images} == {image.tobytes() for image in x}


def test_a_table_may_name_its_classes(tmp_path: Path) -> None:
    names = np.array(["left", "right"])[np.arange(20) % 2]
    x = images(names, 28, 28).reshape(20, -1)
    rows = [",".join([name, *map(str, row)]) for name, row in zip(names, x, strict=True)]
    (tmp_path / "mine.csv").write_text("\n".join(["label," + ",".join(map(str, range(784))), *rows]))
    assert load_data(str(tmp_path / "mine.csv")).test.task == Task(28, 28, 1, ("left", "right"))


def test_pictures_of_a_meter_keep_their_pixels(tmp_path: Path) -> None:
    y = np.arange(55) % 11
    x = images(y, 32, 20, 3)
    write_pictures(tmp_path, x, [METER[label] for label in y])
    stated = StatedTask(size=(32, 20), channels=3)
    train, test = load_data(str(tmp_path), stated=stated)
    assert train.task == Task(32, 20, 3, METER)
    assert {image.tobytes() for split in (train, test) for image in split.images} == {image.tobytes() for image in x}
    label = {image.tobytes(): label for image, label in zip(x, y, strict=True)}
    assert [label[image.tobytes()] for image in train.images] == train.labels.tolist()
    small = load_data(str(tmp_path), stated=StatedTask(size=(16, 10), channels=1)).test
    assert small.task.image_shape == small.images.shape[1:] == (16, 10)


def test_the_size_of_pictures_is_found_if_all_have_one(tmp_path: Path) -> None:
    y = np.arange(20) % 2
    write_pictures(tmp_path, images(y, 30, 40), [("cat", "dog")[label] for label in y])
    assert load_data(str(tmp_path)).test.task == Task(30, 40, 1, ("cat", "dog"))
    Image.new("L", (50, 60)).save(tmp_path / "cat" / "other.png")
    with pytest.raises(DataError, match=r"sizes such as 30x40 and 60x50.*--image-size HEIGHTxWIDTH"):
        load_data(str(tmp_path))


def test_letters_may_be_prepared_as_in_mnist(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [("a", "b")[label % 2] for label in digits.test.labels[:30]]
    write_pictures(tmp_path, 255 - digits.test.images[:30], names)
    monkeypatch.chdir(tmp_path)
    found = load_data(".", stated=StatedTask(preparation="mnist"))
    assert found.train.name == tmp_path.name
    assert "(a, b); on a device pictures are prepared as in MNIST\n" in capsys.readouterr().err
    assert found.test.task == Task(28, 28, 1, ("a", "b"), "mnist")
    assert np.mean([image.mean() for image in found.train.images]) < 60, "white on black"


def test_how_pictures_for_plain_images_must_look_is_said(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    """A device only resizes them: a black digit on white paper is another image than those of the training."""
    x, y = digits.test.images[:200], digits.test.labels[:200]
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2)))
    mixed = np.concatenate([padded[:100], 255 - padded[100:]])
    color = np.stack([padded, padded // 2, padded], axis=-1)
    light, dark = "light digits on a dark background", "dark digits on a light background"
    for shown, words in ((padded, light), (255 - padded, dark), (color, light), (mixed, "")):
        np.savez(tmp_path / "mine.npz", images=shown, labels=y)
        load_data(str(tmp_path / "mine.npz"))
        end = f": give {words}, as these images are\n" if words else "\n"
        assert f"on a device pictures are only resized{end}" in capsys.readouterr().err


def test_the_preparation_for_handwriting_is_named_for_digits_among_other_classes(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    names = (*DIGITS.labels, "none")
    y = np.array([*map(str, digits.test.labels[:200]), *["none"] * 20])
    x = np.concatenate([digits.test.images[:200], np.random.default_rng(0).integers(0, 60, (20, 28, 28), np.uint8)])
    np.savez(tmp_path / "mine.npz", images=x, labels=y)
    for stated, is_named in ((None, True), ("plain", False), ("mnist", False)):
        found = load_data(str(tmp_path / "mine.npz"), stated=StatedTask(labels=names, preparation=stated))
        assert found.test.task.preparation == (stated or "plain")
        said = capsys.readouterr().err
        assert ("note: if these are handwritten digits as in MNIST, give --prepare mnist." in said) == is_named
    for shown, labels in ((x[:, :26], y), (x, np.char.replace(y, "7", "seven"))):
        np.savez(tmp_path / "mine.npz", images=shown, labels=labels)
        load_data(str(tmp_path / "mine.npz"), stated=StatedTask(labels=tuple(dict.fromkeys(sorted(labels)))))
        assert "--prepare" not in capsys.readouterr().err, "it needs 28 x 28, and each digit"


def test_digits_with_other_folders_stay_digits_unless_all_are_named(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [METER[label] for label in digits.test.labels[:60]]
    write_pictures(tmp_path, digits.test.images[:60], names)
    write_pictures(tmp_path, 255 - digits.test.images[60:66], ["N"] * 6)
    assert load_data(str(tmp_path)).test.task == DIGITS
    assert "N/ (6 files). If they are classes too, name all: --labels" in capsys.readouterr().err
    assert load_data(str(tmp_path), stated=StatedTask(labels=METER)).test.task == Task(28, 28, 1, METER)


def test_folders_are_matched_with_names_by_number_too(tmp_path: Path) -> None:
    y = np.arange(24) % 12
    write_pictures(tmp_path, images(y, 9, 9), [str(label) for label in y])
    assert load_data(str(tmp_path)).test.task.labels == tuple(map(str, range(12))), "in numeric order"
    months = StatedTask(labels=LETTERS[:12])
    assert load_data(str(tmp_path), stated=months).test.task.labels == months.labels


@pytest.mark.parametrize(
    ("labels", "stated", "words"),
    [
        (
            np.arange(40) % 5,
            StatedTask(labels=("a", "b")),
            "label at index 2 is '2', which is none of the 2 classes a, b",
        ),
        (np.array(["a", "b", "c", "d"] * 10), StatedTask(labels=("a", "b", "c")), "label at index 3 is 'd'"),
        (np.arange(40) % 4 * 900, StatedTask(), "4 different numbers from 0 to 2700.*--labels"),
        (np.eye(4)[np.arange(40) % 4], StatedTask(labels=("a", "b")), "4 columns, but 2 classes"),
        (np.array(["a\tb", "c"] * 20), StatedTask(), "cannot be used: the label"),
    ],
)
def test_other_labels_are_reported(tmp_path: Path, labels: np.ndarray, stated: StatedTask, words: str) -> None:
    np.savez(tmp_path / "mine.npz", images=images(labels, 16, 16), labels=labels)
    with pytest.raises(DataError, match=words):
        load_data(str(tmp_path / "mine.npz"), stated=stated)


def test_more_than_256_classes_are_counted_in_16_bits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    y = np.arange(1200) % 300
    x = images(y, 8, 8)
    for shared in (0, 1):
        x_test = np.concatenate([x[:shared], 255 - x[shared:40]])
        np.savez(tmp_path / "mine.npz", x_train=x, y_train=y, x_test=x_test, y_test=y[:40])
        load_data(str(tmp_path / "mine.npz"))
        said = capsys.readouterr().err
        assert f"no test image shows the classes {', '.join(map(str, range(40, 52)))}, ...\n" in said
        assert said.count("also") == shared == said.count("note: 1 of 40 test images is also a training image\n")
    few = np.concatenate([np.arange(20), np.full(60, 20)])
    np.savez(tmp_path / "mine.npz", images=x[:80], labels=few)
    load_data(str(tmp_path / "mine.npz"))
    assert "10 (1), 11 (1), ...: they are used for training, and not tested." in capsys.readouterr().err
    np.savez(tmp_path / "mine.npz", images=x, labels=y)
    train = load_data(str(tmp_path / "mine.npz")).train
    assert (train.labels.dtype, train.labels.max(), len(train.task.labels)) == (np.uint16, 299, 300)


def test_what_is_stated_of_digits_must_fit(digits: Splits) -> None:
    import keras

    from mnist_trainer.model_io.input_shape import check_model

    with pytest.raises(UsageError, match="digits has gray images of 28x28 pixels and ten classes"):
        load_data("digits", stated=StatedTask(size=(32, 20)))
    with pytest.raises(UsageError, match=r"The stated data cannot be used: images are 4 x 4"):
        StatedTask(size=(4, 4))
    for size, channels in (((14, 14), 1), ((20, 16), 3), ((28, 28), 3)):
        with pytest.raises(UsageError, match=r"the preparation mnist makes gray images of 28 x 28 pixels") as caught:
            StatedTask(size=size, channels=channels, preparation="mnist")
        tail = [keras.layers.Flatten(), keras.layers.Dense(10)]
        names = {"keras": keras, "model": keras.Sequential([keras.Input((*size, channels)), *tail])}
        exec(str(caught.value).partition("in front: ")[2].partition(". Then")[0], names)
        assert check_model(names["model"]).input_shape == (None, 28, 28, 1)
    named = load_data("digits", stated=StatedTask(preparation="plain"))
    assert named.test.task == Task(28, 28, 1, DIGITS.labels, "plain")
    assert np.array_equal(named.test.images, digits.test.images)


def test_the_number_of_classes_of_a_model_decides_what_labels_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    y = np.arange(60) % 10
    np.savez(tmp_path / "mine.npz", images=images(y, 28, 28) // 3, labels=y)
    eleven = load_data(str(tmp_path / "mine.npz"), stated=StatedTask(classes=11)).test
    assert eleven.task == Task(28, 28, 1, tuple(map(str, range(11))))
    assert "note: no test image shows the class 10" in capsys.readouterr().err
    np.savez(tmp_path / "mine.npz", images=images(y, 28, 28), labels=y + 1)
    assert load_data(str(tmp_path / "mine.npz"), stated=StatedTask(classes=12)).test.task.labels[-1] == "11"
    with pytest.raises(DataError, match="10 stands for 0, as in SVHN"):
        load_data(str(tmp_path / "mine.npz"))


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=4), min_size=2, max_size=8))
def test_any_labels_give_names_or_an_error(names: list[str]) -> None:
    raw = read_labels(np.array(names), "here")
    try:
        found = classes_of([raw], None, may_be_digits=False)
    except DataError as error:
        assert str(error).startswith("here: ")  # noqa: PT017
        return
    assert len(set(found.names)) == len(found.names)
    if raw.is_text:
        assert [found.names[index] for index in found.indices[0]] == raw.values.tolist()


def test_labels_are_a_list_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("left\nright \n\n")
    assert parse_labels(str(tmp_path / "labels.txt")) == parse_labels("left,right") == ("left", "right")
    for text in ("left", str(tmp_path)):
        with pytest.raises(UsageError, match="neither a list, such as a,b,c, nor a file"):
            parse_labels(text)


@pytest.mark.parametrize("labels", [None, ("cat", "DOG")])
def test_names_in_other_letters_are_the_same_class(tmp_path: Path, labels: tuple[str, ...] | None) -> None:
    """With stated names and without, in the folders of a split and across splits."""
    y = np.arange(8) % 2
    write_pictures(tmp_path / "train", images(y, 10, 8), [("Cat", "Dog")[label] for label in y])
    write_pictures(tmp_path / "test", images(y, 10, 8), [("cat", "dOG")[label] for label in y])
    train, test = load_data(str(tmp_path), stated=StatedTask(labels=labels))
    assert train.task.labels == (labels or ("Cat", "Dog"))
    assert train.labels.tolist() == test.labels.tolist() == sorted(y.tolist())


def test_small_and_capital_letters_may_be_different_classes(tmp_path: Path) -> None:
    names = np.array(["A", "a", "B"])[np.arange(12) % 3]
    np.savez(tmp_path / "mine.npz", images=images(names, 10, 8), labels=names)
    assert load_data(str(tmp_path / "mine.npz")).test.task.labels == ("A", "B", "a")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array(["cat"] * 4), "There is one class, but 2 to 1,000 are needed"),
        (np.full(4, 7), "There is one class, but 2 to 1,000 are needed"),
        (np.arange(1001), "There are 1,001 classes, but 2 to 1,000 are needed.*--labels A,B"),
        (np.array([f"name {number}" for number in range(1001)]), "There are 1,001 classes, but 2 to 1,000 are needed"),
    ],
)
def test_too_few_or_too_many_classes_are_named_with_the_bounds(tmp_path: Path, labels: np.ndarray, words: str) -> None:
    np.savez(tmp_path / "mine.npz", images=np.zeros((len(labels), 8, 9), np.uint8), labels=labels)
    with pytest.raises(DataError, match=words):
        load_data(str(tmp_path / "mine.npz"))


@pytest.mark.parametrize("side", [7, 129])
def test_other_sides_are_named_with_the_bounds_and_the_option(tmp_path: Path, side: int) -> None:
    y = np.arange(8) % 2
    x = images(y, side, side)
    np.savez(tmp_path / "mine.npz", images=x, labels=y)
    write_pictures(tmp_path / "pictures", x, [("cat", "dog")[label] for label in y])
    for data in ("mine.npz", "pictures"):
        with pytest.raises(DataError, match=r"sides of 8 to 128 pixels.*--image-size HEIGHTxWIDTH"):
            load_data(str(tmp_path / data))
        test = load_data(str(tmp_path / data), stated=StatedTask(size=(12, 10))).test
        assert test.images.shape[1:] == (12, 10)


def test_arrays_of_another_form_than_a_model_states_are_refused(tmp_path: Path) -> None:
    """Pictures in folders are prepared as a device prepares them; arrays were made for a model."""
    y = np.arange(8) % 2
    x = images(y, 32, 30)
    np.savez(tmp_path / "mine.npz", images=x, labels=y)
    write_pictures(tmp_path / "pictures", x, [("cat", "dog")[label] for label in y])
    model = StatedTask(size=(16, 10), channels=3)
    words = (
        r"images are 32x30 pixels in gray, but the model takes 16x10 pixels in color.*--image-size 16x10 --channels 3"
    )
    with pytest.raises(DataError, match=words):
        load_data(str(tmp_path / "mine.npz"), stated=StatedTask().filled(model))
    given = StatedTask(size=(16, 10), channels=3).filled(model)
    assert load_data(str(tmp_path / "mine.npz"), stated=given).test.images.shape[1:] == (16, 10, 3)
    assert load_data(str(tmp_path / "pictures"), stated=StatedTask().filled(model)).test.images.shape[1:] == (16, 10, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,,c", "--labels: The label in entry 2 is wrong: it is empty"),
        ("a,b,a", "--labels: The label in entry 3 is wrong: 'a' is the name of entry 1 too"),
        ("a,b\x07", r"--labels: The label in entry 2 is wrong: 'b\x07' begins"),
        (",".join(map(str, range(1001))), "--labels: The number of labels is 1,001, but must be 2 to 1,000"),
    ],
)
def test_a_wrong_entry_of_labels_is_named(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_labels(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\n\nc\n", "The label in line 2 is wrong: it is empty"),
        ("a\nb\na\n", "The label in line 3 is wrong: 'a' is the name of line 1 too"),
        ("a\n" + "b" * 101 + "\n", "has more than 100 characters"),
        ("a\n", "The number of labels is 1, but must be 2 to 1,000"),
    ],
)
def test_a_wrong_line_of_labels_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "labels.txt").write_text(text)
    with pytest.raises(UsageError) as caught:
        parse_labels(str(tmp_path / "labels.txt"))
    assert str(caught.value).startswith(str(tmp_path / "labels.txt"))
    assert words in str(caught.value)
