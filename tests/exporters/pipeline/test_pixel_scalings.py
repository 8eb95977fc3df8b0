"""Models that expect their pixels scaled in another way than 0..1, exported in each format and precision."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
from tests.shared.export_cases import EVERY_PAIR

from mnist_exporters import ExportSession, ExportSpec, PixelScaling, Precision, open_session
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import Artifact, Classifier
from mnist_trainer import Splits

STANDARDIZED = PixelScaling.standardized(0.1307, 0.3081)
INVERTED = PixelScaling.between(-1, 1, invert=True)
ABOVE_ZERO = PixelScaling.between(1, 3)
SYMMETRIC = PixelScaling.between(-1, 1)

QUICK = {
    ("tflite", Precision.INT8),
    ("tflite", Precision.INT4),
    ("tflite", Precision.INT16X8),
    ("onnx", Precision.INT8),
}
"""Pairs that are tested by default with the scaling that is hardest to express."""

CASES = [
    pytest.param(
        scaling,
        format,
        precision,
        id=f"{scaling}-{format}-{precision}",
        marks=() if scaling is INVERTED and (format, precision) in QUICK else pytest.mark.slow,
    )
    for scaling in (INVERTED, STANDARDIZED, ABOVE_ZERO)
    for format, precision in EVERY_PAIR
]


@pytest.fixture(scope="module")
def model_of(digits: Splits) -> Callable[[PixelScaling], keras.Model]:
    """Return a function that makes a trained model for pixels of a scaling, the same function of the raw pixels."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(48, "relu"), keras.layers.Dense(10, "softmax")]
    trained = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    trained.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    images = digits.test.images[..., None] / np.float32(255)
    trained.fit(images, digits.test.labels, batch_size=64, epochs=15, verbose=0)

    @cache
    def make(scaling: PixelScaling) -> keras.Model:
        model = keras.models.clone_model(trained)
        kernel, bias, *others = trained.get_weights()
        span = scaling.white - scaling.black
        model.set_weights([kernel / span, bias - kernel.sum(axis=0) * scaling.black / span, *others])
        return model

    return make


@pytest.fixture(scope="module")
def session_of(digits: Splits, model_of: Callable[[PixelScaling], keras.Model]) -> Callable[..., ExportSession]:
    return cache(lambda scaling: open_session(model_of(scaling), digits, pixel_range=scaling))


@pytest.mark.long
@pytest.mark.parametrize(("scaling", "format", "precision"), CASES)
def test_a_file_takes_raw_pixels_whatever_its_model_expects(
    session_of: Callable[..., ExportSession], tmp_path: Path, scaling: PixelScaling, format: str, precision: Precision
) -> None:
    session = session_of(scaling)
    report = session.export(ExportSpec(format, precision, 0.015), tmp_path)
    assert report.input_dtype == ("int8" if format == "tflm" else "uint8")
    assert report.parity.max_score_error < (0.5 if precision == Precision.INT4 else 0.2)
    source = load_plugin(format).open(report.path).manifest.source
    assert (source["pixel_range"], source["scale"], source["offset"]) == (scaling.name, scaling.scale, scaling.offset)
    assert source["polarity"] == ("black on white" if scaling is INVERTED else "white on black")


@pytest.mark.parametrize("scaling", [INVERTED, SYMMETRIC], ids=str)
@pytest.mark.parametrize(("precision", "dtype"), [("int8", "int8"), ("int8", "float32"), ("int16x8", "float32")])
@pytest.mark.slow
def test_other_input_types_are_described_in_the_manifest(
    session_of: Callable[..., ExportSession], tmp_path: Path, scaling: PixelScaling, precision: str, dtype: str
) -> None:
    spec = ExportSpec("tflite", precision, 0.015, dtype)
    manifest = Classifier.load(session_of(scaling).export(spec, tmp_path).path).manifest
    expected = (1, -128) if dtype == "int8" else (1.0, 0.0) if scaling is INVERTED else (scaling.scale, scaling.offset)
    assert (manifest.input["scale"], manifest.input["offset"]) == expected


@pytest.mark.slow
def test_the_layer_that_inverts_is_exact_to_the_level(
    session_of: Callable[..., ExportSession], digits: Splits, tmp_path: Path
) -> None:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    inverted = PixelScaling.parse("0..1 inverted")  # 0 is a level, so nothing is rounded
    path = session_of(inverted).export(ExportSpec("tflite", "int8", 0.015), tmp_path).path
    interpreter = Interpreter(
        model_content=Artifact.open(path).content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    levels = np.arange(784).astype(np.uint8).reshape(1, 28, 28, 1)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], levels)
    interpreter.invoke()
    images = [one["index"] for one in interpreter.get_tensor_details() if tuple(one["shape"]) == (1, 28, 28, 1)]
    assert any(np.ptp(interpreter.get_tensor(index).astype(int) + levels) == 0 for index in images)
    scores = [
        Classifier.load(path, backend=name).predict_proba(digits.test.images[:200]) for name in ("litert", "numpy")
    ]
    assert np.abs(scores[0] - scores[1]).max() < 0.03
