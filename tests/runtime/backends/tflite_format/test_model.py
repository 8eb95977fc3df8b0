"""`TFLiteFile` reads the same facts as LiteRT, and rejects files only with an `ArtifactError`."""

import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import mnist_runtime
from mnist_runtime import ArtifactError
from mnist_runtime.backends.tflite_format.flatbuffer import LONGEST_TEXT, Table
from mnist_runtime.backends.tflite_format.model import OPERATOR_NAMES, TFLiteFile

READY = Path(mnist_runtime.__file__).parent / "models" / "cnn-int8.tflite"


def test_it_reads_what_litert_reads() -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    content = READY.read_bytes()
    resolver = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # a delegate would add an operator
    interpreter = litert.Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    file = TFLiteFile.read(content)
    details = {each["index"]: each for each in interpreter.get_tensor_details()}
    for index, tensor in enumerate(file.tensors):
        found = details[index]
        assert (tensor.name, tensor.dtype) == (found["name"], np.dtype(found["dtype"]).name)
        assert tensor.shape == tuple(found["shape"])
        assert np.array_equal(tensor.scales, found["quantization_parameters"]["scales"])
        assert np.array_equal(tensor.zero_points, found["quantization_parameters"]["zero_points"])
        if tensor.is_constant:
            assert np.array_equal(tensor.values, interpreter.get_tensor(index))
    operators = interpreter._get_ops_details()
    assert [each.name for each in file.operators] == [each["op_name"] for each in operators]
    assert [list(each.inputs) for each in file.operators] == [list(each["inputs"]) for each in operators]
    assert [list(each.outputs) for each in file.operators] == [list(each["outputs"]) for each in operators]
    assert file.inputs == (interpreter.get_input_details()[0]["index"],)
    assert file.outputs == (interpreter.get_output_details()[0]["index"],)


def test_operator_names_are_those_of_the_schema() -> None:
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    numbers = {name: number for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    assert all(OPERATOR_NAMES[numbers[name]] == name for name in numbers if numbers[name] < len(OPERATOR_NAMES))
    assert len(OPERATOR_NAMES) > 200


def test_an_omitted_number_is_its_default() -> None:
    content = struct.pack("<I", 10) + struct.pack("<HHH", 6, 6, 4) + struct.pack("<ih", 6, 7)
    assert [Table.root(content).number(field, "h", default=1) for field in (0, 1)] == [7, 1]


def read_all(content: bytes) -> None:
    for tensor in TFLiteFile.read(content).tensors:
        if tensor.is_constant:
            _ = tensor.values


@hypothesis.given(st.integers(0, 1 << 20))
def test_a_truncated_file_is_rejected_or_read(length: int) -> None:
    content = READY.read_bytes()
    with suppress(ArtifactError):
        read_all(content[: length % len(content)])


@pytest.mark.long
@hypothesis.settings(max_examples=400)
@hypothesis.given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_file_with_changed_bytes_is_rejected_or_read(changes: list[tuple[int, int]]) -> None:
    content = bytearray(READY.read_bytes())
    for position, value in changes:
        content[position % len(content)] = value
    with suppress(ArtifactError):
        read_all(bytes(content))


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0\0\0\0TFL3", b"\xff\xff\xff\xffTFL3", b"\x08\0\0\0ONNX"])
def test_other_files_are_rejected(content: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"not a \.tflite file|has 0 graphs|is damaged"):
        TFLiteFile.read(content)


@pytest.fixture
def pooled() -> bytes:
    """Return a small file with few bytes between its tables."""
    pytest.importorskip("flatbuffers")
    pytest.importorskip("ai_edge_litert")
    from mnist_tools.stress.fuzzing.tiny_models import TINY_MODELS

    return TINY_MODELS["pooled"]()


def test_a_long_name_in_a_message_is_cut_off(pooled: bytes) -> None:
    """A damaged length makes the rest of the file the name of a tensor."""
    content = bytearray(pooled.replace(b"t4\0\0", b"\x01" * 4))
    place = content.index(b"\x01" * 4) - 4
    content[place : place + 4] = (len(content) - place - 4).to_bytes(4, "little")
    names = [tensor.name for tensor in TFLiteFile.read(bytes(content)).tensors]
    assert max(map(len, names)) == LONGEST_TEXT == 100


def test_a_list_of_fields_of_odd_size_is_damaged(pooled: bytes) -> None:
    """FlatBuffers' readers take the last field of such a list, and its verifier rejects the file."""
    content = bytearray(pooled)
    graph = Table.root(bytes(content)).tables(2)[0].position
    fields = graph - struct.unpack_from("<i", content, graph)[0]
    (size,) = struct.unpack_from("<H", content, fields)
    for wrong in (size - 1, 3, 2, 0):
        struct.pack_into("<H", content, fields, wrong)
        with pytest.raises(ArtifactError, match=rf"the list of fields at {fields} has {wrong} bytes"):
            TFLiteFile.read(bytes(content))


def test_a_vector_that_ends_after_the_file_is_damaged() -> None:
    """Its length is there, and its four bytes are not."""
    content = struct.pack("<I", 10) + struct.pack("<HHH", 6, 8, 4) + struct.pack("<iII", 6, 4, 4)
    with pytest.raises(ArtifactError, match="has 22 bytes, but refers to 4 bytes at 22"):
        Table.root(content).numbers(0, "uint8")
    assert Table.root(content + b"abcd").text(0) == "abcd"


@pytest.fixture
def graph() -> Any:
    """Return the builder of a file with one operator and two tensors."""
    pytest.importorskip("ai_edge_litert.schema_py_generated")
    from tests.shared.tflite_graphs import Graph

    return Graph()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda graph: vars(graph.tensors[0]).update(buffer=1), "'t' has buffer 1 of 1"),
        (lambda graph: vars(graph.tensors[0]).update(shape=[1, 28, -28, 1]), r"has shape \(1, 28, -28, 1\)"),
        (lambda graph: vars(graph.tensors[0]).update(shape=[1] * 9), "has 9 numbers where at most 8 are allowed"),
        (lambda graph: vars(graph.operators[0]).update(inputs=[0] * 65), "has 65 numbers where at most 64"),
        (lambda graph: vars(graph.operators[0]).update(inputs=[2]), r"refers to tensors \(2,\) of 2"),
        (lambda graph: vars(graph.operators[0]).update(inputs=[-2]), r"refers to tensors \(-2,\) of 2"),
        (lambda graph: vars(graph.operators[0]).update(opcodeIndex=1), "an operator has code 1 of 1"),
    ],
)
def test_a_reference_beyond_the_end_is_damaged(graph: Any, change: Callable[[Any], None], message: str) -> None:
    change(graph.graph)
    with pytest.raises(ArtifactError, match=rf"The TFLite file is damaged: .*{message}"):
        TFLiteFile.read(graph.content())


def test_the_most_axes_and_inputs_are_read(graph: Any) -> None:
    graph.graph.tensors[0].shape, graph.graph.operators[0].inputs = [1] * 8, [0] * 64
    file = TFLiteFile.read(graph.content())
    assert (file.tensors[0].shape, file.operators[0].inputs) == ((1,) * 8, (0,) * 64)


@pytest.mark.parametrize("facts", [{"builtinCode": 0}, {"deprecatedBuiltinCode": 0}])
def test_an_operator_has_its_number_in_the_old_or_in_the_new_place(graph: Any, facts: dict[str, int]) -> None:
    vars(graph.model.operatorCodes[0]).update(facts)
    assert [each.name for each in TFLiteFile.read(graph.content()).operators] == ["QUANTIZE"]


def test_a_file_of_two_graphs_is_rejected(graph: Any) -> None:
    graph.model.subgraphs *= 2
    with pytest.raises(ArtifactError, match="has 2 graphs, not one"):
        TFLiteFile.read(graph.content())
