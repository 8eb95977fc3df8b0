"""ONNX models as originals: PyTorch's layout, scaling and logits become raw pixels and scores, without TensorFlow."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.shared.foreign_files import dense, torch_like

from mnist_exporters import ConversionError, ExportSession, ExportSpec, UsageError, open_session
from mnist_exporters.errors import OperatorError
from mnist_runtime import Classifier
from mnist_trainer import PixelScaling, Splits, load_model
from mnist_trainer.architectures.registry import ARCHITECTURES

STANDARDIZED = PixelScaling.standardized(0.1307, 0.3081)


@pytest.fixture(scope="module")
def network() -> Callable[..., onnx.ModelProto]:
    """Return a function that makes one dense layer in ONNX."""
    return partial(dense, *load_model("linear").get_weights())


@pytest.fixture
def open_network(tmp_path: Path, digits: Splits) -> Callable[..., ExportSession]:
    def open_network(model: onnx.ModelProto, pixel_range: str = "-1..1") -> ExportSession:
        (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
        return open_session(tmp_path / "net.onnx", digits, pixel_range=pixel_range)

    return open_network


@pytest.fixture(scope="module")
def torch_session(digits: Splits, tmp_path_factory: pytest.TempPathFactory) -> ExportSession:
    """A convolutional network with the layout, the scaling and the logits of PyTorch's examples."""
    import keras

    keras.utils.set_random_seed(0)
    model = ARCHITECTURES["lenet"].build()
    model.compile(keras.optimizers.Adam(0.002), "sparse_categorical_crossentropy")
    model.fit(digits.test.images[..., None] / np.float32(255), digits.test.labels, batch_size=64, epochs=8, verbose=0)
    path = tmp_path_factory.mktemp("torch") / "net.onnx"
    path.write_bytes(torch_like(model, STANDARDIZED, opset=18).SerializeToString())
    return open_session(path, digits, pixel_range=STANDARDIZED)


@pytest.mark.long
@pytest.mark.parametrize("precision", ["none", "float16", "dynamic", "int8"])
def test_a_network_of_pytorch_is_proven_and_runs_on_the_device(
    torch_session: ExportSession, digits: Splits, tmp_path: Path, precision: str
) -> None:
    report = torch_session.export(ExportSpec("onnx", precision, 0.02), tmp_path)
    assert (report.input_dtype, report.output_dtype) == ("uint8", "float32")
    assert report.loads_on == ("onnxruntime",)
    device = Classifier.load(report.path)
    scores = device.predict_proba(digits.test.images)
    assert np.abs(scores - torch_session.reference.scores).mean() < 0.01
    assert (device.manifest.source["activation"], device.manifest.scores) == ("logits", "softmax")
    assert device.manifest.source["parameters"] > 60_000
    assert not {"tensorflow", "keras"} & device.manifest.tools.keys()


@pytest.mark.long
def test_tensorflow_is_not_imported(
    run: Callable[..., object], network: Callable[..., onnx.ModelProto], tmp_path: Path
) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(network(("n", 1, 28, 28), last="Identity").SerializeToString())
    code = (
        "import sys, json; from mnist_exporters import export_model; "
        f"found = export_model({str(path)!r}, {str(tmp_path)!r}, 'int8', 'digits', format='onnx', "
        "pixel_range='-1..1', max_accuracy_drop=0.02); "
        "print(json.dumps([found.parity.passed, sorted({'tensorflow', 'keras', 'tf2onnx'} & sys.modules.keys())]))"
    )
    done = run("python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, []]


@pytest.mark.long
@pytest.mark.parametrize("shape", [(1, 1, 28, 28), ("n", 784), ("n", 28, 28, 1)], ids=str)
@pytest.mark.parametrize("last", ["Identity", "Sigmoid"])
def test_other_layouts_and_a_fixed_number_of_images_are_changed(
    network: Callable[..., onnx.ModelProto],
    open_network: Callable[..., ExportSession],
    tmp_path: Path,
    shape: tuple[object, ...],
    last: str,
) -> None:
    model = network(shape, last=last)
    reshape = next(tensor for tensor in model.graph.initializer if tensor.name == "shape")
    if shape[0] == 1:
        reshape.CopyFrom(numpy_helper.from_array(np.array([1, 784], np.int64), "shape"))
    report = open_network(model).export(ExportSpec("onnx", "none"), tmp_path)
    assert report.parity.max_score_error < 1e-4
    assert Classifier.load(report.path).manifest.scores == ("sigmoid" if last == "Sigmoid" else "softmax")


def test_the_same_network_gives_the_same_bytes(
    network: Callable[..., onnx.ModelProto], open_network: Callable[..., ExportSession], tmp_path: Path
) -> None:
    session = open_network(network())
    first, second = (session.export(ExportSpec("onnx", "none"), tmp_path).sha256 for _ in range(2))
    assert first == second


def test_an_operator_of_another_domain_is_named(
    network: Callable[..., onnx.ModelProto], open_network: Callable[..., ExportSession], tmp_path: Path
) -> None:
    model = network()
    model.graph.node[3].CopyFrom(helper.make_node("Gelu", ["logits"], ["output"], domain="com.microsoft"))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(OperatorError, match=r"com\.microsoft\.Gelu"):
        open_network(model).export(ExportSpec("onnx", "none"), tmp_path)
    assert not list(tmp_path.glob("*-float32.onnx"))


def test_a_network_for_one_image_only_is_an_error(
    network: Callable[..., onnx.ModelProto], open_network: Callable[..., ExportSession], tmp_path: Path
) -> None:
    """Its last addition has one row for each image of a fixed batch."""
    model = network((1, 784))
    model.graph.node[1].CopyFrom(helper.make_node("Expand", ["float", "size"], ["flat"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 784], np.int64), "size"))
    model.graph.node[2].CopyFrom(helper.make_node("Gemm", ["first", "kernel", "bias"], ["logits"]))
    model.graph.node.insert(2, helper.make_node("Slice", ["flat", "begin", "end"], ["first"]))
    for name, value in (("begin", 0), ("end", 1)):
        model.graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), name))
    with pytest.raises(ConversionError, match="takes one image at a time"):
        open_network(model).export(ExportSpec("onnx", "none"), tmp_path)


@pytest.mark.parametrize(
    ("opset", "advice"),
    [
        (17, "Choose another precision (float32, float16, int8)."),
        (
            13,
            "Choose another precision (float32, float16, int8), or export the network again with opset 17 in place of",
        ),
    ],
)
def test_another_opset_is_advised_only_where_the_network_has_another(
    network: Callable[..., onnx.ModelProto],
    open_network: Callable[..., ExportSession],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    opset: int,
    advice: str,
) -> None:
    def failing(*_: object) -> bytes:
        raise ValueError("a tensor is odd")

    monkeypatch.setattr("mnist_exporters.formats.onnx.from_onnx.quantized", failing)
    model = network()
    model.opset_import[0].version = opset
    with pytest.raises(ConversionError) as caught:
        open_network(model).export(ExportSpec("onnx", "dynamic"), tmp_path)
    assert f"cannot be converted to ONNX dynamic: a tensor is odd. {advice}" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"), [(["--format", "tflite"], "--format onnx"), (["--format", "tflm"], "onnx")]
)
def test_other_formats_are_a_usage_error(
    here: Callable[..., object],
    network: Callable[..., onnx.ModelProto],
    tmp_path: Path,
    options: list[str],
    words: str,
) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(network(dtype=TensorProto.FLOAT).SerializeToString())
    done = here("mnist-export", "--model", path, *options, "--output", tmp_path)
    assert done.returncode == 2
    assert words in done.stderr


def test_an_exported_file_is_no_original_of_an_export(ready: dict[str, Path], digits: Splits, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Give the model that it was made from"):
        open_session(ready["onnx"], digits).export(ExportSpec("onnx", "int8"), tmp_path)
