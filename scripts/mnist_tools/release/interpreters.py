"""Measure which versions of which operators each interpreter supports.

Writes one small model for each operator and version, loads them all in each interpreter, and writes the result to
exporters/mnist_exporters/targets/interpreters.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import onnx
from tensorflow.lite.python import schema_py_generated as schema

from mnist_runtime import BACKENDS
from mnist_tools.checkout import ROOT, ToolError, output_of

__all__ = ["REQUIREMENTS", "main", "write_models"]

TABLE = ROOT / "exporters/mnist_exporters/targets/interpreters.json"
REQUIREMENTS: dict[str, tuple[str, str, str]] = {
    **{
        name: (row.package, row.module, row.versions.lstrip("=>"))
        for name, row in BACKENDS.items()
        if row.extra is not None
    },
    "tflite-micro": ("tflite-micro", "tflite_micro", "0.dev20261023182759"),
}
"""Interpreter -> package, module and oldest supported release. Backends of the runtime follow from their rows."""
MOST_VERSIONS = 20
MOST_OPSETS, MOST_IR_VERSIONS = 30, 15


def write_models(folder: Path) -> None:
    """Write ``OPERATOR-VERSION.tflite`` and ``OPSET-IR.onnx`` for all combinations."""
    for name, code in vars(schema.BuiltinOperator).items():
        if isinstance(code, int) and name != "CUSTOM":
            for version in range(1, MOST_VERSIONS + 1):
                builder = flatbuffers.Builder()
                builder.Finish(_one_operator(code, version).Pack(builder), b"TFL3")
                (folder / f"{name}-{version}.tflite").write_bytes(builder.Output())
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    other = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [value], [other])
    for opset in range(13, MOST_OPSETS + 1):
        for ir_version in range(7, MOST_IR_VERSIONS + 1):
            imports = [onnx.helper.make_opsetid("", opset)]
            model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=ir_version)
            (folder / f"{opset}-{ir_version}.onnx").write_bytes(model.SerializeToString())


def _one_operator(code: int, version: int) -> Any:
    """Return a model of one operator without tensors. An interpreter looks up the operator before it needs them."""
    operator_code = schema.OperatorCodeT()
    operator_code.builtinCode, operator_code.deprecatedBuiltinCode = code, min(code, 127)
    operator_code.version = version
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [], []
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [], [], [], [operator]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [operator_code], [graph], [schema.BufferT()]
    return model


def measure(name: str, models: Path, folder: Path) -> dict[str, Any]:
    """Install an interpreter into a new environment in `folder` and return what it supports."""
    package, module, version = REQUIREMENTS[name]
    requirement = f"{package}=={version}"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / "bin" / "python")
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement, "numpy<2"]
    if subprocess.run([python, *install], check=False).returncode:
        raise ToolError(f"{requirement} cannot be installed on this Python. Use Python 3.11 and check the network.")
    found: dict[str, Any] = json.loads(
        output_of([python, "-m", "mnist_tools.release.operator_probe", package, module, str(models)])
    )
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure all interpreters and write the table."""
    parser = argparse.ArgumentParser(prog="scripts/tool release interpreters", description=__doc__)
    parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as work:
        models = Path(work) / "models"
        models.mkdir()
        write_models(models)
        table = {name: measure(name, models, Path(work) / name) for name in REQUIREMENTS}
    TABLE.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n")
    return 0
