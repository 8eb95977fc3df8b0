"""Exported files in the interpreters that replace today's: LiteRT's `CompiledModel`, LiteRT.js and onnxruntime-web.

The interpreters for JavaScript run in Node. ``npm install --prefix tests/parity/node`` installs them; scripts/test does
that where npm is installed.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.compiled_model import CompiledModel
from tests.shared.export_cases import DEVICE_FILE, DEVICE_PAIR

from mnist_exporters import ExportReport, Precision
from mnist_runtime import Classifier
from mnist_runtime.device.self_test import SCORE_BOUNDS

NODE = Path(__file__).with_name("node")
INTERPRETERS = {"tflite": ("litert", "@litertjs/core"), "onnx": ("onnxruntime", "onnxruntime-web")}

TFLITE = [precision for format, precision in DEVICE_PAIR if format == "tflite"]


def compare(path: Path, precision: Precision, images: np.ndarray, raw: np.ndarray) -> None:
    """Compare raw scores with those of the runtime."""
    classifier = Classifier.load(path)
    assert str(raw.dtype) == classifier.manifest.output["dtype"]
    expected, found = classifier.predict_proba(images), classifier.real_scores(raw)
    assert np.abs(expected - found).max() <= SCORE_BOUNDS[precision]
    assert np.array_equal(expected.argmax(axis=1), found.argmax(axis=1))


@pytest.mark.long
@pytest.mark.parametrize(
    "precision", [pytest.param(p, marks=pytest.mark.slow if p is Precision.INT16X8 else ()) for p in TFLITE]
)
def test_compiled_model_gives_the_scores_of_the_runtime(
    exported: Callable[..., ExportReport], golden_images: np.ndarray, precision: Precision
) -> None:
    path = exported("cnn", "tflite", precision).path
    dtype = np.dtype(Classifier.load(path).manifest.output["dtype"]).type
    model = CompiledModel.from_file(str(path))
    (name,), (output,) = model.get_signature_list()["serving_default"].values()
    assert model.get_input_tensor_details("serving_default")[name]["shape"] == [1, 28, 28, 1]
    assert model.get_output_tensor_details("serving_default")[output]["shape"] == [1, 10]
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    scores = []
    for image in golden_images:
        inputs[0].write(image[None, :, :, None])
        model.run_by_index(0, inputs, outputs)
        scores.append(outputs[0].read(10, dtype))
    compare(path, precision, golden_images, np.array(scores))


def test_compiled_model_takes_a_batch_where_it_is_told_to(
    exported: Callable[..., ExportReport], golden_images: np.ndarray
) -> None:
    path = exported("cnn", "tflite", Precision.INT8).path
    model = CompiledModel.from_file(str(path))
    model.resize_input_tensor(0, [10, 28, 28, 1], strict=False)
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    inputs[0].write(golden_images[..., None])
    model.run_by_index(0, inputs, outputs)
    compare(path, Precision.INT8, golden_images, outputs[0].read(100, np.uint8).reshape(10, 10))


@pytest.fixture(scope="module")
def in_node(golden_images: np.ndarray) -> Callable[..., dict[str, Any]]:
    """Run files of one format in Node, once; return their raw scores or the error."""
    node = shutil.which("node")

    @cache
    def answers(format: str, *paths: str) -> dict[str, Any]:
        name, package = INTERPRETERS[format]
        if node is None or not (NODE / "node_modules" / package).is_dir():
            pytest.skip(f"{package} is not installed. Run: npm install --no-package-lock --prefix tests/parity/node")
        images = [base64.b64encode(image.tobytes()).decode() for image in golden_images]
        request = json.dumps({"files": paths, "images": images})
        done = subprocess.run(
            [node, NODE / "scores.mjs", name], input=request, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    return answers


@pytest.mark.long
@pytest.mark.parametrize(("model", "format", "precision"), DEVICE_FILE)
def test_interpreters_of_the_browser_give_the_scores_of_the_runtime(
    exported: Callable[..., ExportReport],
    in_node: Callable[..., dict[str, Any]],
    golden_images: np.ndarray,
    model: str,
    format: str,
    precision: Precision,
) -> None:
    path = exported(model, format, precision).path
    quick = [known for name, known in DEVICE_PAIR if name == format and known is not Precision.INT16X8]
    together = [precision] if precision is Precision.INT16X8 else quick
    scores = in_node(format, *(str(exported(model, format, each).path) for each in together))[str(path)]
    assert isinstance(scores, list), scores
    raw = np.array(scores).astype(Classifier.load(path).manifest.output["dtype"])
    compare(path, precision, golden_images, raw)
