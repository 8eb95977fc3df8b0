"""Which layer cannot be converted, and what the model converts to."""

from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers

from mnist_exporters import ExportSession, ExportSpec, Original
from mnist_exporters.errors import OperatorError
from mnist_exporters.pipeline.diagnosis import diagnosed
from mnist_exporters.pipeline.job import Job
from mnist_runtime import ArtifactError
from mnist_trainer import Splits

FOREIGN_TEXT = ("loc(", "tfl.", "MLIR", "Traceback", ".cc:", "node_def", "\n")


class Rare(layers.Layer):
    """A layer of the user's own, with an operator that no format has."""

    def call(self, pixels: Any) -> Any:
        return keras.ops.erfinv(keras.ops.clip(pixels, 0.1, 0.9))


def network(*inner: Any) -> Any:
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Conv2D(4, 3, strides=4), *inner, layers.Flatten(), layers.Dense(10)]
    )


def message(model: Any, data: Splits, spec: ExportSpec, folder: Path) -> str:
    return str(failure(model, data, spec, folder))


def failure(model: Any, data: Splits, spec: ExportSpec, folder: Path) -> OperatorError:
    original = Original.from_keras(model, data.test, pixel_range="0..1")
    with pytest.raises(OperatorError) as caught:
        ExportSession(original, *data, calibration_samples=20).export(spec, folder)
    assert not any(words in str(caught.value) for words in FOREIGN_TEXT)
    return caught.value


@pytest.mark.long
def test_int8_names_the_layer_and_what_the_model_converts_to(digits: Splits, tmp_path: Path) -> None:
    model = network(layers.ELU(name="soft"))
    error = failure(model, digits, ExportSpec("tflite", "int8"), tmp_path)
    text = str(error)
    assert text.startswith("soft (ELU) needs ELU, which tflite int8 does not have. ")
    assert error.instead == ("tflite", "dynamic"), "the smallest of the same format"
    assert "a format and precision that work: tflite float32, float16" in text
    assert "onnx float32, float16, dynamic, int8" in text


@pytest.mark.long
def test_the_same_precision_is_tried_first_and_what_was_not_tried_is_said(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large models take all the time for a few trials."""
    clock = iter((False,))
    monkeypatch.setattr("mnist_exporters.pipeline.trials.Trials.is_over", lambda _: next(clock, True))
    text = message(network(layers.ELU(name="soft")), digits, ExportSpec("tflite", "int8"), tmp_path)
    assert (
        "that work: onnx int8. Other formats and precisions were not tried, because the time for trials was over."
        in text
    )


@pytest.fixture
def nothing_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the time to try the other formats and precisions."""
    monkeypatch.setattr("mnist_exporters.pipeline.trials.Trials.working", lambda _: iter(()))


@pytest.mark.parametrize(
    ("working", "advice", "instead"),
    [
        ((ExportSpec("onnx", "int8"),), "Choose a format and precision that work: onnx int8.", ("onnx", "int8")),
        ((), "Compute it with other layers. No format and precision supports it.", None),
        (
            (ExportSpec("onnx", "int8"), ExportSpec("tflite", "int4"), ExportSpec("tflite", "float32")),
            "Choose a format and precision that work: tflite float32, int4; onnx int8.",
            ("tflite", "float32"),
        ),
    ],
)
def test_without_a_known_layer_nothing_is_to_be_replaced(
    digits: Splits,
    monkeypatch: pytest.MonkeyPatch,
    working: tuple[ExportSpec, ...],
    advice: str,
    instead: tuple[str, str] | None,
) -> None:
    monkeypatch.setattr("mnist_exporters.pipeline.trials.Trials.working", lambda _: iter(working))
    monkeypatch.setattr("mnist_exporters.pipeline.trials.Trials.first_failing", lambda _: ([], ()))
    original = Original.from_keras(network(), digits.test, pixel_range="0..1")
    with pytest.raises(OperatorError) as caught, diagnosed(original, ExportSpec("tflite", "int8"), None):
        raise ArtifactError("a tensor is invalid")
    assert str(caught.value) == f"The interpreter rejects the tflite int8 file of this model. {advice}"
    assert caught.value.instead == instead
    with pytest.raises(OperatorError) as caught, diagnosed(original, ExportSpec("tflite", "int8"), None):
        raise ArtifactError("a tensor is invalid") from ValueError("no kernel")
    assert str(caught.value) == f"The interpreter rejects the tflite int8 file of this model: no kernel. {advice}"


@pytest.mark.usefixtures("nothing_works")
@pytest.mark.slow
def test_a_layer_inside_a_model_is_named(digits: Splits, tmp_path: Path) -> None:
    inside = keras.Sequential([keras.Input((7, 7, 4)), layers.ReLU(), Rare(name="rare")], name="inside")
    for format in ("tflite", "onnx"):
        text = message(network(inside), digits, ExportSpec(format, "float32"), tmp_path)
        assert text.startswith(f"rare (Rare) needs Erfinv, which {format} float32 does not have. ")
        assert "No format and precision supports it" in text


@pytest.mark.usefixtures("nothing_works")
@pytest.mark.slow
def test_the_layer_is_searched_if_the_converter_names_none(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_exporters.pipeline.diagnosis._layers_at", lambda *_: [])
    inside = keras.Sequential([keras.Input((7, 7, 4)), layers.ReLU(), Rare(name="rare"), layers.ReLU()], name="inside")
    text = message(network(layers.ReLU(), inside, layers.ReLU()), digits, ExportSpec("onnx", "float32"), tmp_path)
    assert text.startswith("rare (Rare) needs Erfinv")


@pytest.mark.long
@pytest.mark.usefixtures("nothing_works")
def test_the_operators_are_those_of_the_named_layer(digits: Splits, tmp_path: Path) -> None:
    """The C code has no leaky ReLU; before it is written, the converter rejects the ELU of the next layer."""
    inner = (layers.LeakyReLU(name="leaky"), layers.ELU(name="soft"))
    error = failure(network(*inner), digits, ExportSpec("c", "int16x8"), tmp_path)
    assert str(error).startswith("leaky (LeakyReLU) needs LEAKY_RELU, which c int16x8 does not have. ")
    assert error.operators == ("LEAKY_RELU",)


@pytest.mark.usefixtures("nothing_works")
@pytest.mark.parametrize(("is_first", "name"), [(True, "soft"), (False, "soft"), (True, "add"), (False, "plain")])
def test_of_two_branches_the_layer_that_fails_is_named(
    digits: Splits, monkeypatch: pytest.MonkeyPatch, is_first: bool, name: str
) -> None:
    """The other branch converts without it, although its layers come later."""
    pixels = keras.Input((28, 28, 1))
    soft, plain = layers.ELU(name="soft"), layers.ReLU(name="plain")
    branches = [layers.Conv2D(1, 3)(each(pixels)) for each in ((soft, plain) if is_first else (plain, soft))]
    model = keras.Model(pixels, layers.Dense(10)(layers.Flatten()(layers.Add(name="add")(branches))))

    def failure(_: Any, output: Any) -> OperatorError | None:
        part = keras.Model(pixels, output)
        return OperatorError("", ("ELU",)) if name in [each.name for each in part.layers] else None

    monkeypatch.setattr("mnist_exporters.pipeline.trials.Trials._failure", failure)
    original = Original.from_keras(model, digits.test, pixel_range="0..1")
    with (
        pytest.raises(OperatorError, match=rf"^{name} \(\w+\) needs ELU"),
        diagnosed(original, ExportSpec("c", "int16x8"), None),
    ):
        raise OperatorError("", ("ELU",))


@pytest.mark.usefixtures("nothing_works")
@pytest.mark.parametrize(("in_time", "name"), [(False, "add"), (True, "soft")])
def test_without_time_for_the_branches_the_layer_that_joins_them_is_named(
    digits: Splits, monkeypatch: pytest.MonkeyPatch, in_time: bool, name: str
) -> None:
    pixels = keras.Input((28, 28, 1))
    branches = [each(pixels) for each in (layers.ELU(name="soft"), layers.ReLU())]
    model = keras.Model(pixels, layers.Dense(10)(layers.Flatten()(layers.Add(name="add")(branches))))

    def failure(_: Any, output: Any) -> OperatorError | None:
        names = [each.name for each in keras.Model(pixels, output).layers]
        if "soft" in names and "add" not in names and not in_time:
            raise TimeoutError
        return OperatorError("", ("ELU",)) if "soft" in names else None

    monkeypatch.setattr("mnist_exporters.pipeline.trials.Trials._failure", failure)
    original = Original.from_keras(model, digits.test, pixel_range="0..1")
    with pytest.raises(OperatorError, match=f"^{name} "), diagnosed(original, ExportSpec("c", "int16x8"), None):
        raise OperatorError("", ("ELU",))


@pytest.mark.usefixtures("nothing_works")
def test_a_layer_with_several_outputs_is_named(digits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = keras.Input((28, 28, 1))
    rows = layers.Reshape((28, 28))(pixels)
    _, state = layers.GRU(8, return_state=True, name="gru")(rows)
    other = layers.Dense(8)(layers.Dense(8)(layers.Flatten()(rows)))
    model = keras.Model(pixels, layers.Dense(10)(layers.Add(name="sum")([other, state])))

    def failure(_: Any, output: Any) -> OperatorError | None:
        part = keras.Model(pixels, output)
        return OperatorError("", ("UNPACK",)) if "gru" in [each.name for each in part.layers] else None

    monkeypatch.setattr("mnist_exporters.pipeline.trials.Trials._failure", failure)
    original = Original.from_keras(model, digits.test, pixel_range="0..1")
    with pytest.raises(OperatorError, match=r"^gru \(GRU\) "), diagnosed(original, ExportSpec("c", "int8"), None):
        raise OperatorError("", ("UNPACK",))


def test_a_conversion_that_nobody_asked_for_is_not_diagnosed(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a refusal, the next precisions are tried. It would take a minute to find what else one that fails needs."""
    monkeypatch.setattr("mnist_exporters.pipeline.diagnosis.diagnosed", pytest.fail)
    original = Original.from_keras(network(layers.ELU()), digits.test, pixel_range="0..1")
    session = ExportSession(original, *digits, calibration_samples=20)
    images = session.golden_images
    job = Job(original, tmp_path / "m.tflite", session.reference, images, session.calibration, None)
    with pytest.raises(OperatorError):
        job.attempt(ExportSpec("tflite", "int8"), write=False)


def test_a_pruned_model_is_told_to_be_stripped(digits: Splits, tmp_path: Path) -> None:
    model = network(Rare(name="prune_low_magnitude_conv2d"))
    assert "strip_pruning" in message(model, digits, ExportSpec("tflite", "float32"), tmp_path)
