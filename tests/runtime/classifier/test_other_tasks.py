"""Real files of another task than digits, in every interpreter: a meter reader of colored pictures, 32 x 20 pixels.

Its eleven scores are the brightness of eleven bands of the image, from the top down.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import BACKENDS, Artifact, ArtifactError, Classifier, Manifest, UsageError, read, self_test, watch
from mnist_runtime.artifact.container import GOLDEN_IMAGES_ENTRY, GOLDEN_SCORES_ENTRY, MANIFEST_ENTRY
from mnist_runtime.artifact.task import Task
from mnist_runtime.backends.registry import unsupported_reason
from mnist_runtime.reading.video import Frame
from mnist_tools.stress.model_files import archive_of, resealed

Run = Callable[..., subprocess.CompletedProcess[str]]

METER = Task(32, 20, 3, (*"0123456789", "N"))
BAND = METER.pixels // 11
WEIGHTS = np.repeat(np.eye(11, dtype=np.int8), BAND, axis=1)
WEIGHTS = np.pad(WEIGHTS, ((0, 0), (0, METER.pixels - WEIGHTS.shape[1])))
BACKENDS_HERE = [name for name in BACKENDS if unsupported_reason(name) is None]
MANIFEST = Manifest(
    name="meter",
    format="tflite",
    precision="int8",
    labels=METER.labels,
    scores="sigmoid",
    input={"dtype": "uint8", "shape": [None, *METER.tensor_shape]},
    output={"dtype": "int8", "shape": [None, 11]},
    preparation={"kind": "plain"},
    source={"rejects_non_digits": True},
    tools={},
    golden={"backend": "numpy", "version": "2", "machine": "any"},
    schema=2,
)


def image_of(label: str) -> np.ndarray:
    """Return the image whose brightest band is that of `label`."""
    values = np.full(METER.pixels, 40, np.uint8)
    start = METER.labels.index(label) * BAND
    values[start : start + BAND] = 230
    return values.reshape(METER.image_shape)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def seal(model: bytes, manifest: Manifest, images: np.ndarray, scores: np.ndarray, tag: bytes = b"") -> bytes:
    entries = {
        MANIFEST_ENTRY: manifest.to_json().encode(),
        GOLDEN_IMAGES_ENTRY: npy(images),
        GOLDEN_SCORES_ENTRY: npy(scores),
    }
    archive = archive_of(entries)
    length = bytes([len(archive) & 127 | 128, len(archive) >> 7 & 127 | 128, len(archive) >> 14]) if tag else b""
    return resealed(model + tag + length + archive)


def tflite_model() -> bytes:
    """Return QUANTIZE, RESHAPE, FULLY_CONNECTED as TFLite's converter writes them for int8."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = importlib.import_module("flatbuffers")
    graph, model = schema.SubGraphT(), schema.ModelT()
    graph.tensors, graph.operators = [], []
    model.version, model.subgraphs, model.operatorCodes, model.buffers = 3, [graph], [], [schema.BufferT()]

    def tensor(dtype: str, shape: list[int], scale: float, zero: int, values: np.ndarray | None = None) -> int:
        made = schema.TensorT()
        made.name, made.type, made.shape, made.buffer = "t", getattr(schema.TensorType, dtype), shape, 0
        made.shapeSignature = [-1, *shape[1:]] if values is None else None
        if scale:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [scale], [zero]
        if values is not None:
            buffer = schema.BufferT()
            buffer.data, made.buffer = np.frombuffer(values.tobytes(), np.uint8), len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def add(name: str, version: int, inputs: list[int], output: int, kind: str = "", **options: Any) -> int:
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        code.version = version
        operator.opcodeIndex, operator.inputs, operator.outputs = len(model.operatorCodes), inputs, [output]
        if kind:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = getattr(schema, kind + "T")()
            vars(operator.builtinOptions).update(options)
        model.operatorCodes.append(code)
        graph.operators.append(operator)
        return output

    image = tensor("UINT8", [1, *METER.tensor_shape], 1 / 255, 0)
    values = add("QUANTIZE", 1, [image], tensor("INT8", [1, *METER.tensor_shape], 1 / 255, -128))
    shape = tensor("INT32", [2], 0, 0, np.array([-1, METER.pixels], np.int32))
    line = add("RESHAPE", 1, [values, shape], tensor("INT8", [1, METER.pixels], 1 / 255, -128))
    weights = tensor("INT8", [11, METER.pixels], 1 / BAND, 0, WEIGHTS)
    bias = tensor("INT32", [11], 1 / BAND / 255, 0, np.zeros(11, np.int32))
    scores = tensor("INT8", [1, 11], 1 / 256, -128)
    add("FULLY_CONNECTED", 4, [line, weights, bias], scores, "FullyConnectedOptions")
    graph.inputs, graph.outputs = [image], [scores]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def onnx_model(shape: tuple[int, ...], weights: np.ndarray) -> bytes:
    onnx = pytest.importorskip("onnx")
    helper, numbers = onnx.helper, onnx.numpy_helper
    nodes = [
        helper.make_node("Cast", ["pixels"], ["real"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Flatten", ["real"], ["line"]),
        helper.make_node("MatMul", ["line", "weights"], ["scores"]),
    ]
    images = helper.make_tensor_value_info("pixels", onnx.TensorProto.UINT8, ["n", *shape])
    scores = helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["n", 11])
    constants = [numbers.from_array((weights.T / BAND / 255).astype(np.float32), "weights")]
    graph = helper.make_graph(nodes, "meter", [images], [scores], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


ONNX_TAG = bytes([0x8A, 0xE6, 0x03])
"""Field 7777 of type bytes, as in docs/reference/artifact.md."""
GOLDEN = np.stack([image_of(label) for label in METER.labels])
SCORES = np.where(np.eye(11), 230, 40) / 255


@pytest.fixture(scope="module")
def meters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a file of each format."""
    folder = tmp_path_factory.mktemp("meters")
    tflite, onnx = folder / "meter.tflite", folder / "meter.onnx"
    integers = (np.rint(SCORES * 256) - 128).astype(np.int8)
    tflite.write_bytes(seal(tflite_model(), MANIFEST, GOLDEN, integers))
    manifest = dataclasses.replace(MANIFEST, format="onnx")
    model = onnx_model(METER.tensor_shape, WEIGHTS)
    onnx.write_bytes(seal(model, manifest, GOLDEN, SCORES.astype(np.float32), ONNX_TAG))
    return {"tflite": tflite, "onnx": onnx}


@pytest.mark.parametrize("backend", BACKENDS_HERE)
def test_every_backend_passes_the_self_test(meters: dict[str, Path], run: Run, backend: str) -> None:
    done = run("mnist-runtime", "self-test", "--json", "--backend", backend, meters[BACKENDS[backend].format])
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["passed"], found["images"], found["different"]) == (True, 11, 0)
    assert found["max_score_error"] <= 1 / 128


@pytest.mark.parametrize("backend", [name for name in BACKENDS_HERE if name != "tflite-runtime"])
def test_every_backend_reads_a_meter(meters: dict[str, Path], backend: str) -> None:
    path = meters[BACKENDS[backend].format]
    classifier = Classifier.load(path, backend=backend)
    assert classifier.task == METER
    many = np.concatenate([GOLDEN] * 9)
    assert np.array_equal(classifier.predict(many), np.tile(np.arange(11), 9))
    assert classifier.predict_proba(many).shape == (99, 11)
    for label in ("7", "N"):
        picture = np.kron(image_of(label), np.ones((5, 5, 1), np.uint8))
        prediction = classifier.classify(picture)
        assert (prediction.label, prediction.digit, prediction.reason) == (label, None, None)
        assert prediction.labels[0] == label
        assert sorted(prediction.labels) == sorted(METER.labels)


@pytest.mark.parametrize(("lead", "different"), [(1, 0), (15, 0), (17, 1)])
def test_answers_within_the_bound_of_each_other_are_the_same(
    meters: dict[str, Path], tmp_path: Path, lead: int, different: int
) -> None:
    """The pattern of a file may lie between two classes; other kernels then give the other one."""
    artifact = Artifact.open(meters["tflite"])
    images = np.full((1, *METER.image_shape), 128, np.uint8)  # the answer is the first label
    scores = np.full((1, 11), 0, np.int8)
    scores[0, 7] = lead
    path = tmp_path / "between.tflite"
    model = artifact.content[: artifact.content.index(b"PK\3\4")]
    path.write_bytes(seal(model, artifact.manifest, images, scores))
    found = self_test(path, backend="numpy")
    assert (found.different, found.passed) == (different, not different)


def test_a_file_with_colors_first_gives_the_same_scores(meters: dict[str, Path], tmp_path: Path) -> None:
    first = np.moveaxis(WEIGHTS.reshape(11, 32, 20, 3), -1, 1).reshape(11, -1)
    tensor = {"tensor_shape": [None, 3, 32, 20]}
    manifest = dataclasses.replace(MANIFEST, format="onnx", input=MANIFEST.input | tensor)
    path = tmp_path / "first.onnx"
    path.write_bytes(seal(onnx_model((3, 32, 20), first), manifest, GOLDEN, SCORES.astype(np.float32), ONNX_TAG))
    expected = Classifier.load(meters["onnx"]).predict_proba(GOLDEN)
    assert np.allclose(Classifier.load(path).predict_proba(GOLDEN), expected, atol=1e-6)
    assert self_test(path).passed


@pytest.mark.parametrize("backend", [name for name in BACKENDS_HERE if name != "tflite-runtime"])
def test_a_file_for_other_images_than_its_manifest_says_is_rejected(
    meters: dict[str, Path], tmp_path: Path, backend: str
) -> None:
    path = meters[BACKENDS[backend].format]
    artifact = Artifact.open(path)
    other = dataclasses.replace(artifact.manifest, input={"dtype": "uint8", "shape": [None, 64, 64, 1]})
    model = artifact.content[: artifact.content.index(b"PK\3\4") - (6 if path.suffix == ".onnx" else 0)]
    wrong = tmp_path / path.name
    tag = ONNX_TAG if path.suffix == ".onnx" else b""
    wrong.write_bytes(seal(model, other, np.zeros((1, 64, 64), np.uint8), artifact.golden.scores[:1], tag))
    with pytest.raises(ArtifactError, match=r"images \(n, 64, 64, 1\)"):
        Classifier.load(wrong, backend=backend)


@pytest.mark.parametrize(
    ("images", "scores"),
    [
        (np.zeros((11, 28, 28), np.uint8), SCORES),
        (np.zeros((11, 32, 20), np.uint8), SCORES),
        (np.zeros((11, 3, 32, 20), np.uint8), SCORES),
        (GOLDEN, SCORES[:, :10]),
        (GOLDEN[:4], SCORES),
    ],
    ids=["digits", "gray", "colors first", "ten scores", "few images"],
)
def test_golden_vectors_of_another_task_are_rejected(images: np.ndarray, scores: np.ndarray) -> None:
    content = seal(b"model", MANIFEST, images, scores.astype(np.float32))
    with pytest.raises(ArtifactError, match=r"golden"):
        Artifact.from_bytes(content)
    assert Artifact.from_bytes(seal(b"model", MANIFEST, GOLDEN, SCORES.astype(np.float32))).manifest == MANIFEST


def test_the_command_prints_labels(meters: dict[str, Path], run: Run, tmp_path: Path) -> None:
    backend = BACKENDS_HERE[0]
    model = meters[BACKENDS[backend].format]
    Image.fromarray(image_of("N")).save(tmp_path / "turning.png")
    Image.new("RGB", (300, 200), (10, 20, 30)).save(tmp_path / "blank.png")
    done = run("mnist-runtime", "classify", "--model", model, "--top-k", 2, tmp_path / "turning.png")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path / 'turning.png'}: N (90.2%), 0 (15.6%)\n"
    done = run("mnist-runtime", "classify", "--model", model, "--json", *sorted(tmp_path.glob("*.png")))
    found = json.loads(done.stdout)
    assert (found["labels"], found["image_shape"], found["preparation"]) == ([*METER.labels], [32, 20, 3], "plain")
    blank, turning = found["results"]
    assert (blank["reason"], blank["marks"]) == (None, 1)
    assert (turning["label"], turning["digit"]) == ("N", None)
    assert turning["top"] == [{"digit": None, "label": "N", "score": turning["confidence"]}]
    done = run("mnist-runtime", "classify", "--model", model, "--top-k", 12, tmp_path / "turning.png")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --top-k is 12, but meter has 11 labels. Give a smaller number.\n"


def test_a_picture_below_the_threshold_has_no_answer(meters: dict[str, Path], run: Run, tmp_path: Path) -> None:
    artifact = Artifact.open(meters["tflite"])
    strict = dataclasses.replace(artifact.manifest, threshold=0.95, source={"rejects_non_digits": False})
    path = tmp_path / "strict.tflite"
    model = artifact.content[: artifact.content.index(b"PK\3\4")]
    path.write_bytes(seal(model, strict, artifact.golden.images, artifact.golden.scores))
    Image.fromarray(image_of("7")).save(tmp_path / "seven.png")
    done = run("mnist-runtime", "classify", "--model", path, "--backend", "numpy", tmp_path / "seven.png")
    assert done.stdout == f"{tmp_path / 'seven.png'}: no answer; most likely: 7 (90.2%)\n"
    assert done.stderr == ""  # nothing about pictures without a digit
    found = Classifier.load(path, backend="numpy").classify(tmp_path / "seven.png")
    assert (found.label, found.digit, found.reason, found.labels[0]) == (None, None, "unsure", "7")


def test_handwriting_is_not_looked_for_in_whole_pictures(meters: dict[str, Path], run: Run, tmp_path: Path) -> None:
    words = "meter takes each picture as a whole, but `{}` looks for handwriting in it."
    classifier = Classifier.load(meters["tflite"], backend="numpy")
    page = np.full((100, 200), 230, np.uint8)
    with pytest.raises(UsageError, match=words.format("read")):
        read(page, classifier)
    with pytest.raises(UsageError, match=words.format("watch")):
        next(watch([Frame(0, 0, page)], classifier))
    with pytest.raises(UsageError, match=words.format("watch")):
        next(watch(tmp_path / "missing.avi", classifier))
    Image.fromarray(page).save(tmp_path / "page.png")
    for command, advice in (
        (["read", tmp_path / "page.png"], "Use: mnist-runtime classify FILE"),
        (
            ["watch", "--source", tmp_path / "missing.avi"],
            "Say where the digits are: --regions FILE, which this writes",
        ),
        (["regions", tmp_path / "page.png"], "Leave --model out"),
    ):
        done = run("mnist-runtime", *command, "--model", meters["tflite"], "--backend", "numpy")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {words.format(command[0])} {advice}")
    done = run(
        "mnist-runtime", "watch", "--source", 0, "--regions", tmp_path / "none.toml", "--model", meters["tflite"]
    )
    assert f"{tmp_path / 'none.toml'}" in done.stderr, "the model may read values"


LETTERS = Task(labels=("a", "b", *"cdefghij"), preparation="mnist")


def test_the_command_reads_letters(ready: dict[str, Path], seven: np.ndarray, run: Run, tmp_path: Path) -> None:
    artifact = Artifact.open(ready["tflite"])
    manifest = dataclasses.replace(artifact.manifest, labels=LETTERS.labels, schema=2)
    model = artifact.content[: artifact.content.index(b"PK\3\4")]
    path = tmp_path / "letters.tflite"
    path.write_bytes(seal(model, manifest, artifact.golden.images, artifact.golden.scores))
    Image.fromarray(np.concatenate([seven, seven], axis=1)).save(tmp_path / "page.png")
    Image.new("L", (99, 99), 200).save(tmp_path / "blank.png")
    done = run("mnist-runtime", "read", "--model", path, tmp_path / "page.png", tmp_path / "blank.png")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split(": ", 1)[1][:3] for line in lines] == ["h (", "h (", "no "]
    assert lines[2] == f"{tmp_path / 'blank.png'}: no answer"
    done = run("mnist-runtime", "classify", "--model", path, *sorted(tmp_path.glob("*.png")))
    blank, page = done.stdout.splitlines()
    assert blank.startswith(f"{tmp_path / 'blank.png'}: no answer; the picture shows no clear strokes. Take it with")
    assert page.startswith(f"{tmp_path / 'page.png'}: no answer; the picture shows several symbols (2 marks). Use:")


def test_handwritten_letters_are_found_and_read(ready: dict[str, Path], seven: np.ndarray) -> None:
    """The ready model, whose ten answers are called letters."""
    artifact = Artifact.open(ready["tflite"])
    manifest = dataclasses.replace(artifact.manifest, labels=LETTERS.labels, schema=2)
    classifier = Classifier(
        dataclasses.replace(artifact, manifest=manifest),
        [BACKENDS["numpy"].load(artifact.content, (28, 28, 1))],
        "numpy",
    )
    assert classifier.task == LETTERS
    found = classifier.classify(seven)
    assert (found.label, found.digit, found.ranking[0][0]) == ("h", None, 7)
    page = np.concatenate([seven, seven], axis=1)
    assert [each.prediction.label for each in read(page, classifier)] == ["h", "h"]
    (seen,) = watch([Frame(number, number, page) for number in range(5)], classifier)
    assert [each.prediction.label for each in seen.readings] == ["h", "h"]
    several = classifier.classify(page)
    assert (several.label, several.reason, several.marks) == (None, "several", 2)
    assert classifier.classify(np.full((99, 99), 200, np.uint8)).reason == "blank"
