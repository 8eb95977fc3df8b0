"""Why nothing can be proven with a model and its test images."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from mnist_exporters import Parity, Reference
from mnist_exporters.inputs.labelled_images import ImageSet
from mnist_exporters.inputs.original import Original
from mnist_exporters.inputs.scaled_by_pixel import ScaledByPixel
from mnist_exporters.proof.orientation import ORIENTATIONS, Orientation, best_orientation
from mnist_exporters.proof.unfit import unfit, wrong_averages
from mnist_runtime.artifact.task import Task
from mnist_trainer import Splits, architecture, load_model


def _reasons(model: keras.Model, digits: Splits) -> tuple[tuple[str, ...], Reference]:
    """Return why nothing can be proven with `model`, and the reference."""
    reference = Reference.of(Original.from_keras(model, digits.test, pixel_range="0..1"), digits.test)
    return Parity.compare(reference, reference.scores, 0.1).reasons, reference


@pytest.mark.long
@pytest.mark.parametrize("way", [ORIENTATIONS[0], ORIENTATIONS[4]], ids=lambda way: way.words[:30])
def test_a_model_of_mirrored_or_turned_images_is_noticed(digits: Splits, way: Orientation) -> None:
    tiny = load_model("tiny")
    images = keras.Input(tiny.input_shape[1:])
    model = keras.Model(images, tiny(eval(_back(way).keras)))
    reasons, _ = _reasons(model, digits)
    assert f"The images of the original's training seem to be {way.words}: it is right on " in reasons[0]
    assert f"keras.Model(images, model({way.keras})) with" in reasons[0]
    assert not any("--labels" in reason for reason in reasons), "a transposed 6 is much like a 7"


@pytest.mark.long
@pytest.mark.parametrize("shape", [(784,), (28, 28), (28, 28, 1)])
def test_the_line_of_a_refusal_makes_a_model_of_upright_images(digits: Splits, shape: tuple[int, ...]) -> None:
    inside = keras.Input(shape)
    images = keras.layers.Reshape((28, 28, 1))(inside)
    model = keras.Model(inside, load_model("tiny")(keras.ops.flip(images, 2)))
    reasons, _ = _reasons(model, digits)
    line, _, end = reasons[0].partition("with that step: ")[2].partition(" with images = ")
    images = eval(end.partition(". If the test")[0])
    corrected = eval(line)
    _, reference = _reasons(corrected, digits)
    assert reference.accuracy > 0.9


@pytest.mark.parametrize("way", ORIENTATIONS, ids=lambda way: way.words[:30])
def test_the_steps_that_a_refusal_names_turn_images_so(digits: Splits, way: Orientation) -> None:
    images = digits.test.images[:3]
    there = way.apply(images)
    assert not np.array_equal(there, images)
    assert np.array_equal(_back(way).apply(there), images)
    assert np.array_equal(eval(way.numpy), there)
    assert np.array_equal(eval(way.keras), there)


@pytest.mark.parametrize("size", [(8, 8), (8, 12)], ids=str)
@pytest.mark.parametrize("way", ORIENTATIONS[1:4], ids=lambda way: way.words[:30])
def test_images_that_are_not_square_may_be_mirrored_too(way: Orientation, size: tuple[int, int]) -> None:
    labels = np.random.default_rng(0).integers(0, 5, 300).astype(np.uint8)
    known = np.random.default_rng(1).integers(0, 256, (5, *size), np.uint8)
    images = np.where(np.arange(300)[:, None, None] < 250, known[labels], 0)  # the last ones are not read

    def scores_of(given: np.ndarray) -> np.ndarray:
        return np.array([[np.array_equal(way.apply(image[None])[0], one) for one in known] for image in given], "f")

    data = ImageSet("made up", images, labels, Task(*size, 1, tuple("abcde"), "plain"))
    best, accuracy = best_orientation(scores_of, data)
    assert best == way
    assert accuracy == pytest.approx((250 + (labels[250:] == 0).sum()) / 300)


def _back(way: Orientation) -> Orientation:
    """Return the orientation that takes `way` back."""
    images = np.arange(4, dtype=np.uint8).reshape(1, 2, 2)
    (back,) = (each for each in ORIENTATIONS if np.array_equal(each.apply(way.apply(images)), images))
    return back


def test_mirrored_images_and_labels_in_another_order_may_look_alike() -> None:
    """Arrows to the left and to the right."""
    labels = np.arange(100) % 2
    images = np.zeros((100, 28, 28), np.uint8)
    task = Task(28, 28, 1, ("left", "right"), "plain")
    wrong = np.eye(2, dtype=np.float32)[1 - labels]
    reference = Reference("arrows", images, labels.astype(np.uint8), wrong, task, turned=(ORIENTATIONS[1], 0.98))
    (reason,) = Parity.compare(reference, wrong, 0.1).reasons[:1]
    assert "seem to be mirrored, left and right exchanged" in reason
    assert "Or: The labels seem to be in another order" in reason
    (reason,) = Parity.compare(replace(reference, turned=(ORIENTATIONS[1], 0.8)), wrong, 0.1).reasons[:1]
    assert reason.startswith("The labels seem to be in another order"), "it explains more"


@pytest.mark.long
def test_averages_of_batch_normalization_that_do_not_fit_are_noticed(digits: Splits) -> None:
    """A short training leaves them near those of a new layer."""
    tiny = load_model("tiny")
    for layer in tiny.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(layer.moving_mean * 0.05)
            layer.moving_variance.assign(layer.moving_variance * 0.05 + 0.95)
    before = tiny.get_weights()
    reasons, reference = _reasons(tiny, digits)
    assert reference.accuracy < 0.5
    assert reference.renormalized is not None
    assert reference.renormalized > 0.9
    assert "The averages of its batch normalization do not fit" in reasons[0]
    assert "train longer, a thousand steps or more" in reasons[0]
    assert "Check how" not in reasons[0]
    assert all(map(np.array_equal, before, tiny.get_weights())), "the model is exported after that"


@pytest.mark.long
def test_averages_that_do_not_fit_are_noticed_in_a_model_that_scales_its_pixels(digits: Splits) -> None:
    """With pixels of 0..1, its variances are below the epsilon of the layers, and nothing is read."""
    tiny = load_model("tiny")
    scaled = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255), *tiny.layers])
    for layer in scaled.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(layer.moving_mean * 0)
            layer.moving_variance.assign(layer.moving_variance * 0 + 1)
    for pixels in ("0..1", "0..255"):
        original = Original.from_keras(scaled, digits.train, pixel_range=pixels)
        assert (original.accuracy_with_new_averages(digits.test) or 0) > 0.9, pixels


@pytest.mark.long
def test_averages_are_not_blamed_for_other_faults(digits: Splits) -> None:
    reasons, reference = _reasons(architecture("tiny").build(), digits)
    assert reference.renormalized is not None
    assert "Check how its pixels were scaled" in reasons[0]
    reasons, reference = _reasons(architecture("linear").build(), digits)
    assert reference.renormalized is None, "it has no batch normalization"
    assert "Check how its pixels were scaled" in reasons[0]


def test_small_differences_of_averages_are_no_fault(digits: Splits) -> None:
    right = np.eye(10, dtype=np.float32)[digits.test.labels]
    right[::3] = np.roll(right[::3], 1, axis=1)
    reference = Reference("two thirds", digits.test.images, digits.test.labels, right)
    for found, is_named in ((None, False), (0.7, False), (0.8, True)):
        assert bool(wrong_averages(replace(reference, renormalized=found))) == is_named


BY_PIXEL = ScaledByPixel(0.99, 0.7, 100, (28, 28), "0..1", "--pixel-range 0..1")


@pytest.mark.parametrize(
    ("right", "facts", "starts"),
    [
        (0.8, {}, []),
        (0.4, {}, ["The original is right on 40.0% only. Check how"]),
        # Half of the answers are right with a wrong scaling of few pixels too.
        (0.8, {"pixel_doubt": "State the range."}, []),
        (0.4, {"pixel_doubt": "State the range."}, ["State the range."]),
        (0.8, {"by_pixel": BY_PIXEL}, ["Each pixel seems to have been scaled by its own mean"]),
        (0.4, {"renormalized": 0.9}, ["The original is right on 40.0% only. The averages of its batch"]),
        (0.4, {"renormalized": 0.55}, ["The original is right on 40.0% only. Check how"]),
        # Half of them read well would be no proof of another orientation.
        (0.1, {"turned": (ORIENTATIONS[1], 0.5)}, ["The original is right on 10.0% only."]),
        (0.5, {"turned": (ORIENTATIONS[1], 0.65)}, []),
        (0.5, {"turned": (ORIENTATIONS[1], 0.75)}, ["The images of the original's training seem to be mirrored"]),
        (
            0.4,
            {"turned": (ORIENTATIONS[1], 0.75), "pixel_doubt": "State it."},
            ["The images of the original's training"],
        ),
    ],
)
def test_the_reason_is_what_explains_most(right: float, facts: dict[str, object], starts: list[str]) -> None:
    labels = (np.arange(1000) % 10).astype(np.uint8)
    wrong = np.random.default_rng(0).permutation(1000) >= 1000 * right
    answers = np.where(wrong, (labels + np.random.default_rng(1).integers(1, 10, 1000)) % 10, labels)
    images = np.zeros((1000, 28, 28), np.uint8)
    reference = Reference("known", images, labels, np.eye(10, dtype=np.float32)[answers], **facts)
    reasons = unfit(reference, reference.accuracy)
    assert len(reasons) == len(starts)
    assert all(reason.startswith(start) for reason, start in zip(reasons, starts, strict=True))
    bad = replace(reference, scores=np.full((1000, 10), np.nan, np.float32))
    assert unfit(bad, 0.1) == ("The original gives scores that are nan or infinity.",)


NO_IMAGES = "There are no test images of the digit"
CHECK = "The original is right on {}% only. Check how"


@pytest.mark.parametrize(
    ("known", "tested", "doubt", "starts"),
    [
        ("1", "0123456789", None, [CHECK.format("10.0")]),  # it always answers the same
        ("123", "01234567", None, [f"{NO_IMAGES}s 8, 9. Give some with --data, or train", CHECK.format("38.0")]),
        ("123", "0123456789", None, ["The original is right on 100.0% of the images of 1, 2, 3, and on 0.0%"]),
        ("123", "0123456789", "State the range.", ["State the range."]),
        ("012345", "0123456789", None, []),
        ("0123456789", "012345678", None, [f"{NO_IMAGES} 9. Give some with --data, or train"]),
        ("0123456789", "0", None, [f"{NO_IMAGES}s 1, 2, 3, 4, 5, 6, 7, 8, 9. Give some with --data."]),
    ],
)
def test_digits_that_are_not_known_or_not_tested(known: str, tested: str, doubt: str | None, starts: list[str]) -> None:
    labels = np.array([int(tested[number % len(tested)]) for number in range(300)], np.uint8)
    answers = np.where(np.isin(labels, [*map(int, known)]), labels, int(known[0]))
    scores = np.eye(10, dtype=np.float32)[answers]
    reference = Reference("some", np.zeros((300, 28, 28), np.uint8), labels, scores, pixel_doubt=doubt)
    reasons = unfit(reference, reference.accuracy)
    assert len(reasons) == len(starts)
    assert all(reason.startswith(start) for reason, start in zip(reasons, starts, strict=True))


def test_a_model_that_was_trained_on_some_digits_only_is_recognized(digits: Splits) -> None:
    """It answers the others for few images, rarely right."""
    right = np.eye(10, dtype=np.float32)[digits.test.labels]
    guesses = np.where(np.isin(digits.test.labels, (0, 2, 7)), digits.test.labels, 2)
    reference = Reference("some", digits.test.images, digits.test.labels, np.eye(10, dtype=np.float32)[guesses])
    (reason,) = Parity.compare(reference, reference.scores, 0.1).reasons
    assert reason.startswith(
        "The original is right on 100.0% of the images of 0, 2, 7, and on 0.0% of those of all other digits. If it was "
        "trained on 0, 2, 7 alone, train it on all digits, or train a model of 0, 2, 7 alone: mnist-train with "
        "--labels 0,2,7. If not: Check how its pixels were scaled"
    )
    mixed = np.where(np.arange(len(right))[:, None] % 3, np.roll(right, 1, axis=1), right)
    reference = Reference("all", digits.test.images, digits.test.labels, mixed)
    assert "of those of all other digits" not in Parity.compare(reference, mixed, 0.1).reasons[0]


def test_missing_test_images_of_a_model_of_some_digits_are_explained(digits: Splits) -> None:
    kept = np.isin(digits.test.labels, (0, 2, 7))
    scores = np.eye(10, dtype=np.float32)[digits.test.labels[kept]]
    reference = Reference("some", digits.test.images[kept], digits.test.labels[kept], scores)
    assert Parity.compare(reference, scores, 0.1).reasons[0] == (
        "There are no test images of the digits 1, 3, 4, 5, 6, 8, 9. Give some with --data, or train a model of 0, 2, "
        "7 alone: mnist-train with --labels 0,2,7."
    )


def test_the_option_with_the_labels_names_those_that_have_images() -> None:
    """For a file without the scores of the others."""
    labels = np.repeat([0, 2, 7], 20).astype(np.uint8)
    scores = np.eye(10, dtype=np.float32)[labels]
    reference = Reference("some", np.zeros((60, 28, 28), np.uint8), labels, scores, cut="model = CUT")
    (reason,) = unfit(reference, 1.0)
    assert reason.endswith(
        "If there are no such images at all, cut these scores from the loaded model: model = CUT. Then export that "
        "file with the same --data and --labels 0,2,7"
    )


def _answered(names: str, answers: dict[str, str]) -> Reference:
    """Return a reference of classes with one letter: for each, what the original answers for its images in turn."""
    task = Task(28, 28, 1, tuple(names), "plain")
    images = 60
    labels = np.repeat(np.arange(len(names)), images).astype(np.uint8)
    found = [names.index((answers.get(name, name) * images)[each]) for name in names for each in range(images)]
    scores = np.eye(len(names), dtype=np.float32)[found]
    return Reference("letters", np.zeros((len(labels), 28, 28), np.uint8), labels, scores, task)


def test_a_model_of_own_classes_that_knows_some_is_not_told_of_digits() -> None:
    reference = _answered("ABCDEFGH", dict.fromkeys("DEFGH", "A"))
    (reason,) = unfit(reference, reference.accuracy)
    assert "of the images of A, B, C, and on 0.0% of those of all other classes" in reason
    assert "train it on all classes. If not: " in reason
    assert "mnist-train" not in reason


def test_a_class_that_is_known_in_part_is_no_sign_of_a_training_on_some_classes() -> None:
    reference = _answered("ABCDEFGH", dict.fromkeys("DEFG", "A") | {"H": "HAA"})
    (reason,) = unfit(reference, reference.accuracy)
    assert reason.startswith("The original is right on 41.7% only. Check how")


def test_labels_in_another_order_may_leave_some_in_their_places() -> None:
    """The original does know the others."""
    reference = _answered("ABCDEFGH", dict(zip("CDEFGH", "DEFGHC", strict=True)))
    (reason,) = unfit(reference, reference.accuracy)
    assert reason.startswith("The labels seem to be in another order than the scores of the original: ")
    assert reason.endswith("state their order: --labels A,B,H,C,D,E,F,G")


@pytest.mark.parametrize(
    "answers", [{"G": "HHHHGGGAAA", "H": "GGGGHHHAAA"}, {"G": "H", "H": "GGGGHHHHHA"}], ids=["two", "one and no other"]
)
def test_classes_that_are_taken_for_each_other_are_no_other_order(answers: dict[str, str]) -> None:
    """In another order, most images of both would get the other answer."""
    reference = _answered("ABCDEFGH", answers)
    assert unfit(reference, reference.accuracy) == ()


def test_few_images_of_a_class_show_no_order() -> None:
    reference = _answered("ABCDEFGH", dict(zip("CDEFGH", "DEFGHC", strict=True)))
    for count, is_named in ((4, False), (5, True)):
        kept = np.arange(len(reference.labels)) % 60 < count
        labels, scores = reference.labels[kept], reference.scores[kept]
        few = replace(reference, images=reference.images[kept], labels=labels, scores=scores)
        assert ("another order" in " ".join(unfit(few, few.accuracy))) is is_named


def test_the_sorted_order_of_folders_is_named_though_two_classes_are_hardly_told_apart() -> None:
    """Keras numbers the folders 1 to 12 so: 1, 10, 11, 12, 2, ..."""
    names = tuple(str(number) for number in range(1, 13))
    place = [sorted(names).index(name) for name in names]
    labels = np.repeat(np.arange(12), 20).astype(np.uint8)
    answers = np.array(place)[labels]
    for label, other in ((4, 5), (5, 4)):  # 5 and 6
        answers[labels == label] = np.array([place[label]] * 7 + [place[other]] * 9 + [place[0]] * 4)
    scores = np.eye(12, dtype=np.float32)[answers]
    task = Task(28, 28, 1, names, "plain")
    (reason,) = unfit(Reference("folders", np.zeros((240, 28, 28), np.uint8), labels, scores, task), 0.1)
    assert reason.endswith("state their order: --labels 1,10,11,12,2,3,4,5,6,7,8,9")
