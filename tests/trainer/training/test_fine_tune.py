"""A trained model is tuned to other images; what it gained and what it forgot is measured."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer import (
    Dataset,
    ModelError,
    Splits,
    architecture,
    find_model,
    fine_tune,
    fine_tuning_recipe,
    load_model,
    train,
)
from mnist_trainer.data.dataset import hold_out
from mnist_trainer.data.records import image_digest, sets_seen_by
from mnist_trainer.recipes.recipe import Recipe

SHORT = replace(fine_tuning_recipe({}, DIGITS), epochs=1, pen=None, ema_steps=None, batch_size=256)
STILL = replace(SHORT, peak_learning_rate=1e-12, weight_decay=0.0, batch_size=2000)


@pytest.fixture(scope="module")
def few(digits: Splits) -> Splits:
    """200 training and 200 test images of digits."""
    return Splits(digits.train.take(np.arange(200), "train"), digits.test.take(np.arange(200), "test"))


def relabelled(splits: Splits, labels: tuple[str, ...]) -> Splits:
    """Return the images whose digit is in `labels`, and of other labels the images of 0, with these classes."""
    task = Task(28, 28, 1, labels, "mnist")

    def changed(data: Dataset) -> Dataset:
        found = [index for index, label in enumerate(data.labels) if str(label) in labels or label == 0]
        numbers = [
            labels.index(str(data.labels[index])) if data.labels[index] else labels.index("x") for index in found
        ]
        return replace(data, images=data.images[found], labels=np.array(numbers, np.uint8), task=task)

    return Splits(*map(changed, splits))


def test_a_ready_model_learns_other_images_and_records_before_and_after(few: Splits, digits: Splits) -> None:
    rehearsal = Splits(digits.test.take(np.arange(300, 500), "train"), digits.test.take(np.arange(500, 600), "test"))
    tuned = fine_tune("linear", few, recipe=SHORT, rehearsal=rehearsal, seed=4)
    record = tuned.record
    assert record["base"] == {"name": "linear", "sha256": find_model("linear").sha256}
    assert (record["architecture"], record["seed"], record["own_images"]) == ("linear", 4, 200)
    assert (record["recipe"]["epochs"], record["recipe"]["batch_size"]) == (1, 256)
    own, rehearsed = record["tuning"]["own"], record["tuning"]["rehearsal"]
    assert (own["images"], rehearsed["images"]) == (200, 100)
    assert own["after"] > own["before"] + 0.02
    assert own["after"] == pytest.approx(record["test_accuracy"])
    assert record["train_images"] == 180 * 17 + 100  # the other 20 are for validation
    chosen = hold_out(rehearsal.train, 100, 4, ("rest", "rehearsal")).test
    assert record["rehearsal"] == {"name": "digits", "sha256": chosen.sha256}
    assert record["base_pixels"] == {"pixel_range": "0..1", "origin": "as recorded"}
    assert (own["name"], rehearsed["name"]) == ("digits", "digits")
    assert tuned.model.output_shape == (None, 10)


@pytest.mark.long
@pytest.mark.parametrize("name", ["digits", "mine.npz"])
def test_the_record_has_each_image_of_the_user_that_was_seen(few: Splits, name: str, tmp_path: Path) -> None:
    """Images of the user's own that were rehearsed are trained on too; named data sets are always divided alike."""
    rehearsal = Splits(
        *(
            replace(few.test.take(np.arange(first, first + 100), split), name=name)
            for first, split in ((0, "train"), (100, "test"))
        )
    )
    tuned = fine_tune("linear", few, recipe=STILL, rehearsal=rehearsal)
    assert tuned.record["tuning"]["rehearsal"]["name"] == name
    tuned.save(tmp_path / "tuned.keras")
    seen = sets_seen_by([tmp_path / "tuned.keras"])
    assert {"mnist", "digits", few.train.sha256} <= seen
    assert {image_digest(image.tobytes()) for image in few.train.images} <= seen
    both = sum(image_digest(image.tobytes()) in seen for image in rehearsal.train.images)
    assert both == (50 if name == "mine.npz" else 0)


@pytest.mark.long
def test_images_with_other_labels_are_not_rehearsed(few: Splits) -> None:
    data = relabelled(few, ("3", "7", "x"))
    tuned = fine_tune("linear", data, recipe=STILL, rehearsal=few)
    assert tuned.record["own_images"] == len(data.train) != len(data.test)
    assert tuned.record["rehearsal"] is None
    assert set(tuned.record["tuning"]) == {"own"}


@pytest.mark.long
def test_a_model_that_does_not_learn_keeps_its_weights(few: Splits) -> None:
    tuned = fine_tune("linear", few, recipe=STILL)
    for new, old in zip(tuned.model.get_weights(), load_model("linear").get_weights(), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)
    assert tuned.record["tuning"]["own"]["before"] == tuned.record["tuning"]["own"]["after"]
    assert "rehearsal" not in tuned.record["tuning"]
    assert tuned.record["train_images"] == 180 * 44  # about 8,000


@pytest.mark.slow
def test_other_labels_replace_the_last_layer_and_known_labels_keep_their_weights(few: Splits) -> None:
    data = relabelled(few, ("3", "7", "x"))
    tuned = fine_tune("mlp", data, recipe=STILL)
    new, old = tuned.model.layers[-1], load_model("mlp").layers[-1]
    assert tuned.model.output_shape == (None, 3)
    np.testing.assert_allclose(new.kernel[:, :2], old.kernel.numpy()[:, [3, 7]], atol=1e-6)
    before = tuned.record["tuning"]["own"]["before"]
    known = (data.test.labels < 2).mean()
    assert 0.5 * known < before <= known  # the model knows no x
    learned = fine_tune("mlp", data, recipe=SHORT)
    assert learned.record["tuning"]["own"]["after"] > before + 0.1


@pytest.mark.parametrize("kind", ["0..255 and logits", pytest.param("inverted", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_tuned_model_takes_pixels_from_0_to_1_whatever_its_base_took(few: Splits, tmp_path: Path, kind: str) -> None:
    linear = load_model("mlp")
    pixels = keras.Input((28, 28))
    scaled = keras.layers.Rescaling(*((1 / 255, 0.0) if kind.startswith("0") else (-1.0, 1.0)))(pixels)
    scores = linear(keras.layers.Reshape(linear.input_shape[1:])(scaled))
    if kind.startswith("0"):
        scores = keras.layers.Rescaling(9.0, -3.0)(scores)
    path = tmp_path / "base.keras"
    keras.Model(pixels, scores).save(path)
    tuned = fine_tune(str(path), few, recipe=STILL)
    images = few.test.pixels((28, 28))
    answers = tuned.model.predict(images, verbose=0)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-4)
    assert (answers.argmax(axis=1) == few.test.labels).mean() == pytest.approx(tuned.record["tuning"]["own"]["before"])
    assert tuned.record["tuning"]["own"]["before"] > 0.7
    assert tuned.record["pixel_range"] == "0..1"
    assert tuned.record["base_pixels"]["pixel_range"] == ("0..255" if kind.startswith("0") else "0..1 inverted")


def test_a_last_layer_that_is_not_dense_is_not_replaced(few: Splits, tmp_path: Path) -> None:
    layers = [keras.layers.Conv2D(10, 28), keras.layers.Flatten(), keras.layers.Softmax()]
    path = tmp_path / "base.keras"
    keras.Sequential([keras.Input((28, 28, 1)), *layers]).save(path)
    (tmp_path / "base.json").write_text('{"architecture": "mine", "pixel_range": "0..1"}')
    with pytest.raises(
        ModelError, match=r"must be a Dense layer .* The last layer with weights is conv2d\S* \(Conv2D\)"
    ):
        fine_tune(str(path), relabelled(few, ("3", "7", "x")), recipe=SHORT)


@pytest.mark.long
@pytest.mark.parametrize(
    ("end", "last"),
    [
        ([keras.layers.GlobalAveragePooling2D(), keras.layers.Softmax()], r"conv2d\S* \(Conv2D\)"),
        (
            [keras.layers.Conv2D(10, 26), keras.layers.Flatten()],
            r"conv2d\S* \(Conv2D\).* end the model with Flatten and Dense",
        ),
        (
            [keras.layers.Flatten(), keras.layers.Dense(10), keras.layers.BatchNormalization()],
            r"\(BatchNormalization\)",
        ),
    ],
)
def test_a_model_made_elsewhere_with_another_end_is_refused_by_its_layer(
    few: Splits, tmp_path: Path, end: list[keras.layers.Layer], last: str
) -> None:
    layers = [keras.Input((28, 28, 1)), keras.layers.Conv2D(10, 3), *end]
    keras.Sequential(layers).save(tmp_path / "base.keras")
    with pytest.raises(ModelError, match=f"The last layer with weights is .*{last}"):
        fine_tune(str(tmp_path / "base.keras"), relabelled(few, ("3", "7", "x")), recipe=SHORT)


@pytest.mark.long
@pytest.mark.parametrize("end", [keras.layers.Softmax, lambda: keras.layers.Activation("softmax")])
def test_an_activation_in_a_layer_of_its_own_may_follow_the_dense_layer(
    few: Splits, tmp_path: Path, end: Callable[[], keras.layers.Layer]
) -> None:
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10), end()]
    keras.Sequential(layers).save(tmp_path / "base.keras")
    tuned = fine_tune(str(tmp_path / "base.keras"), relabelled(few, ("3", "7", "x")), recipe=SHORT)
    scores = tuned.model.predict(few.test.pixels((28, 28, 1)), verbose=0)
    assert scores.shape == (200, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-4)


def test_a_saved_model_is_refused(few: Splits, tmp_path: Path) -> None:
    load_model("linear").export(tmp_path / "graph", verbose=False)
    with pytest.raises(ModelError, match=r"A SavedModel is a fixed graph.*call model\.save\('model\.keras'\)"):
        fine_tune(tmp_path / "graph", few, recipe=SHORT)


@pytest.mark.long
def test_a_tuned_model_is_tuned_again_to_other_labels(few: Splits, tmp_path: Path) -> None:
    """It has a trusted Lambda layer, and its layers are inside of a model that scales the pixels."""
    ready = load_model("linear")
    pixels = keras.Input((28, 28, 1), name="pixels")
    scaled = keras.layers.Lambda(lambda images: 1.0 - images)(pixels)
    scores = ready(keras.layers.Reshape(ready.input_shape[1:])(scaled))
    keras.Model(pixels, scores).save(tmp_path / "0.keras")
    for number, labels in enumerate([("3", "7", "x"), ("x", "7", "4")]):
        data = relabelled(few, labels)
        recipe = replace(STILL, precision=None if number else "mixed_bfloat16")
        tuned = fine_tune(tmp_path / f"{number}.keras", data, recipe=recipe, trust=True)
        tuned.save(tmp_path / f"{number + 1}.keras")
        saved = load_model(tmp_path / f"{number + 1}.keras", trust=True, task=data.test.task)
        (head,) = [layer for layer in saved._flatten_layers() if isinstance(layer, keras.layers.Dense)]
        np.testing.assert_allclose(head.kernel[:, 1], ready.layers[-1].kernel[:, 7], atol=1e-4)


def test_images_of_another_form_are_refused(fruits: Splits) -> None:
    with pytest.raises(ModelError, match="28x28 with 1 channel, but the images have 20x14 with 3 channels"):
        fine_tune("cnn", fruits)


@pytest.mark.slow
def test_a_model_of_other_images_is_tuned(fruits: Splits, tmp_path: Path) -> None:
    recipe = replace(architecture("mlp").recipe.for_task(fruits.train.task), epochs=1)
    train(architecture("mlp"), fruits, recipe=recipe).save(tmp_path / "fruits.keras")
    tuned = fine_tune(str(tmp_path / "fruits.keras"), fruits, recipe=replace(SHORT, augmentation=None))
    assert tuned.record["tuning"]["own"]["after"] >= tuned.record["tuning"]["own"]["before"]
    assert tuned.model.output_shape == (None, 3)


@pytest.mark.parametrize(
    ("task", "name", "wanted"),
    [
        (DIGITS, "cnn", (True, True, True)),
        (DIGITS, "tiny", (True, False, False)),
        (Task(28, 28, 1, ("a", "b")), "cnn", (False, False, False)),
    ],
)
def test_the_recipe_rehearses_what_the_model_has_learned(
    task: Task, name: str, wanted: tuple[bool, bool, bool]
) -> None:
    recipe: Recipe = fine_tuning_recipe(find_model(name).record, task)
    assert (recipe.pen is not None, recipe.corruptions is not None, recipe.non_digits is not None) == wanted
