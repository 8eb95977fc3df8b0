from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from tests.shared.export_cases import COMPILED_AS_LINEAR, EACH_PAIR

from mnist_exporters import FORMATS, ExportReport, Precision, inspect
from mnist_exporters.targets.devices import TARGETS
from mnist_runtime import ArtifactError


@pytest.mark.long
@pytest.mark.parametrize(("format", "precision"), EACH_PAIR)
def test_inspection_of_an_export_has_the_facts_of_its_report(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    report = exported(COMPILED_AS_LINEAR.get(format, "cnn"), format, precision)
    found = inspect(report.path)
    assert found.sha256 == report.sha256
    assert found.manifest is not None
    assert found.manifest.precision == precision
    assert found.manifest.requires == found.contents.requirements() == report.requires
    assert [name for name, why in found.unsupported_reasons.items() if why is None] == list(report.loads_on)
    known = {name: row for name, row in TARGETS.items() if row.npu is None}
    assert found.targets == tuple(n for n, row in known.items() if set(row.interpreters) & set(report.loads_on))
    text = str(found)
    for word in (precision, found.sha256, "(input)", "(output)", *found.contents.operators):
        assert word in text
    assert max(map(len, text.splitlines()[1:])) <= 80


def test_file_of_another_tool_can_be_inspected(dynamic_dense: Path) -> None:
    found = inspect(dynamic_dense)
    assert found.manifest is None
    assert found.targets == ("pi-3", "pi-4", "pi-5")
    assert "not proven" in str(found)


def test_inspection_does_not_import_tensorflow(run: Callable[..., object], int8_tflite: Path) -> None:
    code = f"import sys; from mnist_exporters import inspect; inspect({str(int8_tflite)!r})"
    done = run("python", "-c", f"{code}; print('tensorflow' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
@pytest.mark.parametrize("content", [b"", b"no model", bytes(5000)])
def test_file_that_is_not_a_model_is_an_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactError):
        inspect(tmp_path / name)


def test_damaged_export_is_an_error(int8_tflite: Path, tmp_path: Path) -> None:
    content = bytearray(int8_tflite.read_bytes())
    content[1000] ^= 1
    (tmp_path / "model.tflite").write_bytes(content)
    with pytest.raises(ArtifactError, match="damaged"):
        inspect(tmp_path / "model.tflite")


def test_every_format_has_its_own_suffix() -> None:
    assert len({row.suffix for row in FORMATS.values()}) == len(FORMATS)


def test_names_in_a_file_are_printed_as_text(tmp_path: Path) -> None:
    odd = "\x1b[31mred\nerror: forged"
    pixels = onnx.helper.make_tensor_value_info("pixels", 1, [1, 28, 28, 1])
    scores = onnx.helper.make_tensor_value_info(odd, 1, [1, 10])
    node = onnx.helper.make_node(odd, ["pixels"], [odd], domain=odd)
    graph = onnx.helper.make_graph([node], "graph", [pixels], [scores])
    path = tmp_path / f"{odd}.onnx"
    opsets = [onnx.helper.make_opsetid(domain, 13) for domain in ("", odd)]
    path.write_bytes(onnx.helper.make_model(graph, ir_version=8, opset_imports=opsets).SerializeToString())
    lines = str(inspect(path)).splitlines()
    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith("error") for line in lines)
    assert any(r"\x1b[31mred\nerror: forged" in line for line in lines)


def with_references(model: bytes, change: Callable[[Any, Any], None]) -> bytes:
    """Return a TFLite file after `change` of its graph and its first operator."""
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    change(parsed.subgraphs[0], parsed.subgraphs[0].operators[0])
    builder = flatbuffers.Builder()
    builder.Finish(parsed.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_operators_without_inputs_are_inspected(ready: dict[str, Path], tmp_path: Path) -> None:
    def change(graph: Any, first: Any) -> None:
        first.inputs = None
        graph.operators.append(schema.OperatorT())

    path = tmp_path / "model.tflite"
    path.write_bytes(with_references(ready["tflite"].read_bytes(), change))
    assert inspect(path).contents.operators.keys() == inspect(ready["tflite"]).contents.operators.keys()


@pytest.mark.parametrize("number", [-2, 9999])
@pytest.mark.parametrize("field", ["inputs", "outputs"])
@pytest.mark.parametrize("of_graph", [True, False])
def test_references_out_of_range_are_an_error(
    ready: dict[str, Path], tmp_path: Path, of_graph: bool, field: str, number: int
) -> None:
    def change(graph: Any, first: Any) -> None:
        setattr(graph if of_graph else first, field, [number])

    path = tmp_path / "model.tflite"
    path.write_bytes(with_references(ready["tflite"].read_bytes(), change))
    with pytest.raises(ArtifactError, match=rf"refers to tensors .*{number}"):
        inspect(path)
