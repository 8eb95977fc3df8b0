"""Model files that other tools made: their inputs and outputs, and files that end the process that runs them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.shared.foreign_files import dense
from tests.shared.large_sums import SHARES, WHITE, large_sums

import mnist_runtime
from mnist_runtime.errors import ArtifactError
from mnist_trainer import ModelError, PixelScaling, Splits, find_model, load_model
from mnist_trainer.foreign import process
from mnist_trainer.foreign.file_model import FileModel
from mnist_trainer.foreign.load import find_source, load_model_file
from mnist_trainer.foreign.sealed_model import SealedModel


@pytest.fixture(scope="module")
def network(digits: Splits) -> Callable[..., onnx.ModelProto]:
    """Return a function that makes one dense layer in ONNX, for an input shape, a scaling and an activation."""
    kernel, bias = load_model("linear").get_weights()

    return partial(dense, kernel, bias)


@pytest.fixture
def load(tmp_path: Path, digits: Splits) -> Callable[..., FileModel]:
    def load(model: onnx.ModelProto, given: str | None = "-1..1") -> FileModel:
        path = tmp_path / "net.onnx"
        path.write_bytes(model.SerializeToString())
        return FileModel.measure(find_source(path), digits.test, given=given)

    return load


@pytest.mark.parametrize(
    "shape",
    [("n", 28, 28, 1), ("n", 1, 28, 28), ("n", 28, 28), ("n", 784), (1, 1, 28, 28), ("n", 1, "h", "w"), ("n", 1, 784)],
    ids=str,
)
def test_every_layout_of_an_image_is_understood(
    network: Callable[..., onnx.ModelProto], load: Callable[..., FileModel], digits: Splits, shape: tuple[object, ...]
) -> None:
    found = load(network(shape))
    answers = found.scores(digits.test.images[:200]).argmax(axis=1)
    assert np.mean(answers == digits.test.labels[:200]) > 0.5
    assert found.batch == (1 if shape[0] == 1 else 50)


@pytest.mark.parametrize(
    ("last", "activation"), [("Softmax", "softmax"), ("Sigmoid", "sigmoid"), ("Identity", "logits")]
)
def test_the_kind_of_scores_is_measured(
    network: Callable[..., onnx.ModelProto], load: Callable[..., FileModel], digits: Splits, last: str, activation: str
) -> None:
    found = load(network(last=last))
    assert found.activation == activation
    scores = found.scores(digits.test.images[:10])
    assert 0 <= scores.min() <= scores.max() <= 1


@pytest.mark.parametrize("name", ["0..1", "mean 0.1307 std 0.3081", "0..255 inverted"])
def test_the_scaling_is_measured(
    network: Callable[..., onnx.ModelProto], load: Callable[..., FileModel], name: str
) -> None:
    found = load(network(("n", 1, 28, 28), PixelScaling.parse(name)), None)
    assert (found.pixel_range, found.range_origin) == (name, "measured")


@pytest.mark.long
def test_the_scaling_of_an_int8_file_with_scores_as_floats_is_measured(
    load: Callable[..., FileModel], digits: Splits
) -> None:
    """Its scores are multiples of 1/256, so that a score of 0 says little about the confidence."""
    network = onnx.load(Path(mnist_runtime.__file__).parent / "models" / "cnn-int8.onnx")
    network.DiscardUnknownFields()  # the manifest
    found = load(network, None)
    assert (found.pixel_range, found.range_origin) == ("0..255", "measured")
    assert found.probe is not None
    chosen = next(trial for trial in found.probe.trials if trial.scaling == found.scaling)
    assert 0.25 < chosen.temperature < 4, "as of a trained model"


def test_sums_of_large_int8_weights_do_not_saturate(load: Callable[..., FileModel]) -> None:
    """Without the option of the session this fails, but only on x86 processors without VNNI."""
    found = load(onnx.load_from_string(large_sums()), "0..255")
    assert np.allclose(found.raw_scores(WHITE[..., 0]), SHARES, atol=1 / 127)


def test_an_integer_input_without_a_scale_takes_raw_pixels(
    network: Callable[..., onnx.ModelProto], load: Callable[..., FileModel], digits: Splits
) -> None:
    found = load(network(scaling=PixelScaling.between(0, 255), dtype=TensorProto.UINT8), None)
    assert found.pixel_range == "0..255"
    assert np.mean(found.scores(digits.test.images).argmax(axis=1) == digits.test.labels) > 0.5


def test_several_outputs_are_named(network: Callable[..., onnx.ModelProto], load: Callable[..., FileModel]) -> None:
    model = network()
    model.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 10]))
    with pytest.raises(ModelError, match=r"2 outputs \(output float32 \(n, 10\), logits float32 \(n, 10\)\)"):
        load(model)


def test_images_of_another_size_are_an_error(
    network: Callable[..., onnx.ModelProto], load: Callable[..., FileModel]
) -> None:
    with pytest.raises(ModelError, match=r"takes input float32 \(n, 3, 32, 20\), but the images need one of"):
        load(network(("n", 3, 32, 20)))


def test_weights_in_another_file_are_not_read(
    network: Callable[..., onnx.ModelProto], load: Callable[..., FileModel], tmp_path: Path
) -> None:
    model = network()
    onnx.save(model, tmp_path / "out.onnx", save_as_external_data=True, location="secret", size_threshold=0)
    with pytest.raises(ArtifactError, match="are in another file"):
        load(onnx.load(tmp_path / "out.onnx", load_external_data=False))


def test_a_custom_operator_is_an_error(network: Callable[..., onnx.ModelProto], load: Callable[..., FileModel]) -> None:
    model = network()
    model.graph.node[3].domain = "my.company"
    model.opset_import.append(helper.make_opsetid("my.company", 1))
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        load(model)


@pytest.mark.parametrize(
    ("number", "words"),
    [(11, r"ended the process that ran it \(SIGSEGV\)"), (9, r"was killed \(SIGKILL\): it took more than 600 seconds")],
)
def test_a_file_that_ends_its_process_is_an_error(
    network: Callable[..., onnx.ModelProto],
    load: Callable[..., FileModel],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    number: int,
    words: str,
) -> None:
    (tmp_path / "crash.py").write_text(f"import os; os.kill(os.getpid(), {number})")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(process, "PROBE", "crash")
    with pytest.raises(ArtifactError, match=words):
        load(network())


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_damaged_file_is_answered_or_an_error(
    ready: dict[str, Path], tmp_path: Path, digits: Splits, place: float
) -> None:
    content = bytearray(ready["tflite"].read_bytes()[:-64])  # without its digest
    start = int(len(content) * place)
    content[start : start + 2000] = bytes(range(250)) * 8
    path = tmp_path / "damaged.tflite"
    path.write_bytes(content)
    try:
        found = FileModel.measure(find_source(path), digits.test, given="0..1")
    except (ArtifactError, ModelError) as error:
        text = str(error)
    else:
        text = str(path)
        assert found.scores(digits.test.images[:2]).shape == (2, 10)
    assert str(path) in text


def test_a_sealed_file_is_run_as_on_a_device(ready: dict[str, Path], digits: Splits) -> None:
    found = load_model_file(find_source(ready["tflite"]), digits.test)
    assert isinstance(found, SealedModel)
    assert np.mean(found.scores(digits.test.images).argmax(axis=1) == digits.test.labels) > 0.9


def test_a_file_that_is_missing_gets_the_nearest_one_as_a_hint(tmp_path: Path) -> None:
    (tmp_path / "digits.onnx").touch()
    with pytest.raises(ArtifactError, match=r"Did you mean .*digits\.onnx"):
        find_source(tmp_path / "digts.onnx")
    assert find_source("cnn").path == find_model("cnn").path
