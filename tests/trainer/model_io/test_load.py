import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer import ModelError, find_model, load_model
from mnist_trainer.model_io.input_shape import check_model

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
HDF5 = b"\x89HDF\r\n\x1a\n and more"


@pytest.mark.parametrize("kind", ["truncated", "no config", "no weights", "damaged weights", "damaged config"])
def test_a_damaged_file_is_reported(tmp_path: Path, kind: str) -> None:
    whole, path = find_model("mlp").path.read_bytes(), tmp_path / "mine.keras"
    path.write_bytes(whole[: len(whole) // 2])
    action, _, member = kind.rpartition(" ")
    if action:
        changed = {"config": "config.json", "weights": "model.weights.h5"}[member]
        with zipfile.ZipFile(find_model("mlp").path) as source, zipfile.ZipFile(path, "w") as target:
            for name in source.namelist():
                if name != changed:
                    target.writestr(name, source.read(name))
                elif action == "damaged":
                    target.writestr(name, b"\0" * 5000)
    with pytest.raises(ModelError, match=r"contains no config\.json" if kind == "no config" else "cannot be loaded"):
        load_model(str(path))


@pytest.mark.parametrize(
    ("shape", "classes", "words"),
    [
        ((129, 40, 1), 10, "sides of 8 to 128 pixels, but its input has 129"),
        ((7, 28), 10, "sides of 8 to 128 pixels, but its input has 7"),
        ((28, 28), 1001, r"2 to 1,000 classes, but it gives 1,001 scores\. Give a model with one input"),
        ((32, 20, 3), 11, "sides of 8 to 128 pixels, give such images: --data PATH"),
    ],
)
def test_a_model_without_its_data_gets_the_bounds_and_the_option(
    shape: tuple[int, ...], classes: int, words: str
) -> None:
    import keras

    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes)])
    with pytest.raises(ModelError, match=words):
        check_model(model)


@pytest.mark.long
@pytest.mark.parametrize("task", [DIGITS, Task(28, 28, 1, ("low", "high"))], ids=["digits", "two classes"])
@pytest.mark.parametrize("end", ["sigmoid", "logit", "logit in a model", "sigmoid layer", "sigmoid op", "unknown"])
def test_a_model_of_one_score_is_told_how_it_gets_two(end: str, task: Task) -> None:
    import keras

    layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(1, end if end == "sigmoid" else None)]
    model = keras.Sequential(layers)
    if end == "logit in a model":
        model = keras.Sequential([keras.Input((28, 28)), model])
    elif end == "sigmoid layer":
        model = keras.Sequential([model, keras.layers.Activation("sigmoid")])
    elif end in ("sigmoid op", "unknown"):
        operation = keras.ops.sigmoid if end == "sigmoid op" else keras.ops.abs
        model = keras.Model(model.inputs, operation(model.outputs[0]))
    with pytest.raises(
        ModelError, match=r"^The model gives 1 score, but a score for each class is needed\."
    ) as refused:
        check_model(model, task)
    said = str(refused.value)
    assert "a regression), it has no confidence: end it in keras.layers.Dense(10" in said
    assert ("is the probability of" in said, "is the logit of" in said) == (
        "logit" not in end,
        "sigmoid" not in end,
    )
    if end == "unknown":
        return
    names = {"model": model, "keras": keras, "np": np}
    exec(re.search(r"(head = keras.*?)\. Save this model", said)[1], names)  # the lines of the message
    images = np.random.default_rng(0).random((5, 28, 28), np.float32)
    scores = check_model(names["model"], Task(28, 28, 1, ("low", "high"))).predict(images, verbose=0)
    given = model.predict(images, verbose=0)[:, 0]
    np.testing.assert_allclose(scores[:, 1], 1 / (1 + np.exp(-given)) if "logit" in end else given, atol=1e-6)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)


def test_data_of_another_form_gets_the_option_that_converts_it() -> None:
    import keras

    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    with pytest.raises(ModelError, match="as a device does: --image-size 28x28 --channels 1"):
        check_model(model, Task(32, 32, 3))


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5", "mine"])
@pytest.mark.parametrize(("shape", "classes"), [((32, 32, 3), 10), ((28, 28), 2), ((783,), 10)])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_model_of_other_shapes_is_reported(tmp_path: Path, name: str, shape: tuple[int, ...], classes: int) -> None:
    import keras

    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes)])
    path = tmp_path / name
    model.save(path) if path.suffix else model.export(path, verbose=False)
    with pytest.raises(ModelError, match=r"does not fit digits: it has inputs \[\(") as caught:
        load_model(str(path))
    assert str(caught.value).startswith(f"{path}: ")


def test_a_model_of_two_inputs_is_reported(tmp_path: Path) -> None:
    import keras

    inputs = [keras.Input((28, 28)), keras.Input((28, 28))]
    scores = keras.layers.Dense(10)(keras.layers.Flatten()(keras.layers.Add()(inputs)))
    keras.Model(inputs, scores).save(tmp_path / "two.keras")
    with pytest.raises(ModelError, match=r"it has inputs \[\(28, 28\), \(28, 28\)\]"):
        load_model(str(tmp_path / "two.keras"))


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("mine.keras", POINTER, 5), ("mine.h5", HDF5, 5), ("mine.pt", b"PK", 5), ("mine.keras", None, 5)],
)
def test_the_command_reports_one_line_and_ends_with_its_code(
    here: Callable[..., CompletedProcess[str]], tmp_path: Path, name: str, content: bytes | None, code: int
) -> None:
    path = tmp_path / name
    if content is None:
        import keras

        keras.Sequential([keras.Input((5,)), keras.layers.Dense(10)]).save(path)
    else:
        path.write_bytes(content)
    done = here("mnist-evaluate", path, "--data", "digits")
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"error: {path}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["linear.h5", "linear"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_the_command_evaluates_every_kind_of_file(
    here: Callable[..., CompletedProcess[str]], tmp_path: Path, name: str
) -> None:
    model, path = load_model("linear"), tmp_path / name
    model.save(path) if path.suffix else model.export(path, verbose=False)
    assert np.array_equal(load_model(str(path)).get_weights()[0], model.get_weights()[0])
    done = here("mnist-evaluate", path, "--data", "digits")
    assert (done.returncode, "  67.93%  " in done.stdout) == (0, True)
