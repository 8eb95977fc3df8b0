"""Files in which each vector and each string is stored once: the same model, in fewer bytes."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared.backend_cases import EVERY_BACKEND, random_images

from mnist_exporters import ExportReport, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.tflite.packing import SharingBuilder, packed
from mnist_exporters.formats.tflm.interpreter import MicroInterpreter
from mnist_runtime import BACKENDS

RUN = """
import json, sys
from pathlib import Path
import numpy as np
from mnist_runtime import BACKENDS

images = np.load(sys.argv[2])
loaded = [BACKENDS[sys.argv[1]].load(Path(path).read_bytes()) for path in sys.argv[3:]]
print(json.dumps([np.asarray(each.run(images)).tolist() for each in loaded]))
"""
TFLITE = [case for case in EVERY_BACKEND if BACKENDS[case.values[0]].format == "tflite"]


def packed_apart(model: Any) -> bytes:
    """Serialize a model as FlatBuffers does: nothing but vtables is shared."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def facts(value: Any) -> Any:
    """Return everything in a model as plain values."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [facts(item) for item in value]
    return {key: facts(item) for key, item in vars(value).items()} if hasattr(value, "__dict__") else value


def parsed(content: bytes) -> Any:
    return schema.ModelT.InitFromPackedBuf(bytearray(content), 0)


@pytest.fixture(scope="module")
def both(exported: Callable[..., ExportReport], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The int8 file of `tiny` without manifest, as it is exported and with nothing shared."""
    report = exported("tiny", "tflite", Precision.INT8)
    assert report.path is not None
    folder = tmp_path_factory.mktemp("packed")
    shared, apart = folder / "shared.tflite", folder / "apart.tflite"
    shared.write_bytes(report.path.read_bytes()[: report.model_bytes])
    apart.write_bytes(packed_apart(parsed(shared.read_bytes())))
    return shared, apart


def test_an_exported_file_has_each_vector_once(both: tuple[Path, Path]) -> None:
    shared, apart = (path.read_bytes() for path in both)
    assert facts(parsed(shared)) == facts(parsed(apart))
    zeros = bytes(8 * 12)  # the zero points of twelve channels
    assert apart.count(zeros) > shared.count(zeros)
    assert len(apart) - len(shared) > 700
    assert packed(parsed(apart)) == shared


@pytest.mark.parametrize("backend", TFLITE)
def test_each_interpreter_gives_the_same_scores(
    run: Callable[..., Any], tmp_path: Path, both: tuple[Path, Path], backend: str
) -> None:
    """In a process of its own, since two TFLite interpreters in one may crash."""
    np.save(tmp_path / "images.npy", random_images(40))
    done = run("python", "-c", RUN, backend, tmp_path / "images.npy", *both)
    assert done.returncode == 0, done.stderr
    shared, apart = json.loads(done.stdout)
    assert shared == apart
    assert len({tuple(scores) for scores in shared}) > 10


@pytest.mark.skipif(importlib.util.find_spec("tflite_micro") is None, reason="tflite-micro is not installed")
@pytest.mark.slow
def test_tflm_gives_the_same_scores(exported: Callable[..., ExportReport]) -> None:
    path = exported("cnn", "tflm", Precision.INT8).path
    assert path is not None
    shared = load_plugin("tflm").open(path).content
    apart = packed_apart(parsed(shared))
    assert len(apart) - len(shared) > 1_000
    images = (random_images(20).astype(np.int16) - 128).astype(np.int8)
    np.testing.assert_array_equal(*(MicroInterpreter(content, 1 << 17).run(images) for content in (shared, apart)))


VECTORS = st.lists(st.sampled_from([-1, 0, 0, 0, 5]), max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(VECTORS, VECTORS, VECTORS, st.binary(max_size=9), st.sampled_from(["", "a", "ab"])), max_size=8
    )
)
def test_any_vectors_are_read_back(rows: list[tuple[list[int], list[int], list[int], bytes, str]]) -> None:
    """Whatever their types, lengths and places; every number lies where its type demands."""
    model = schema.ModelT()
    graph = schema.SubGraphT()
    model.subgraphs, model.buffers, graph.tensors = [graph], [], []
    for shape, scale, zero_point, data, name in rows:
        tensor, buffer = schema.TensorT(), schema.BufferT()
        tensor.name, tensor.shape, tensor.quantization = name, shape, schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = scale, np.array(zero_point, np.int64)
        buffer.data = np.frombuffer(data, np.uint8)
        graph.tensors.append(tensor)
        model.buffers.append(buffer)
    content, apart = packed(model), packed_apart(model)
    assert facts(parsed(content)) == facts(parsed(apart))
    assert len(content) <= len(apart)
    read = schema.Model.GetRootAsModel(content, 0)
    for number, (_, _, zero_point, _, _) in enumerate(rows):
        quantization = read.Subgraphs(0).Tensors(number).Quantization()
        if zero_point:
            assert quantization._tab.Vector(quantization._tab.Offset(10)) % 8 == 0


def test_a_vector_of_distances_is_never_shared() -> None:
    """Two vectors of tables can have the same bytes and mean other tables, since distances begin at their places."""
    builder = SharingBuilder()
    found = []
    for text in ("one", "two"):
        name = builder.CreateString(text)
        builder.StartVector(4, 1, 4)
        builder.PrependUOffsetTRelative(name)
        found.append(builder.EndVector())
    assert len(set(found)) == 2
