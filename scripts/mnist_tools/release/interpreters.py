"""Ask an interpreter which operators it knows, in which versions; run by scripts/measure-interpreters.

`make` needs the workshop and writes one small model for each operator and version; the name of an interpreter runs
them, in an environment that has that interpreter alone; `gather` puts what was found into one table.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

MOST_VERSIONS = 20
MOST_OPSETS, MOST_IR_VERSIONS = 30, 15
MISSING = ("Didn't find op", "out of range")
"""What TFLite's interpreters say, as an exception or on stderr, of an operator that they do not know."""
PACKAGES = {
    "litert": "ai-edge-litert",
    "tflite-runtime": "tflite-runtime",
    "onnxruntime": "onnxruntime",
    "tflite-micro": "tflite-micro",
}


def make(folder: Path) -> None:
    """Write ``OPERATOR-VERSION.tflite`` and ``OPSET-IR.onnx``."""
    import flatbuffers
    import onnx
    from tensorflow.lite.python import schema_py_generated as schema

    folder.mkdir()
    for name, code in vars(schema.BuiltinOperator).items():
        for version in range(1, MOST_VERSIONS + 1) if isinstance(code, int) and name != "CUSTOM" else ():
            builder = flatbuffers.Builder()
            builder.Finish(one_operator(schema, code, version).Pack(builder), b"TFL3")
            (folder / f"{name}-{version}.tflite").write_bytes(builder.Output())
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    other = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [value], [other])
    for opset in range(13, MOST_OPSETS + 1):
        for ir_version in range(7, MOST_IR_VERSIONS + 1):
            imports = [onnx.helper.make_opsetid("", opset)]
            model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=ir_version)
            (folder / f"{opset}-{ir_version}.onnx").write_bytes(model.SerializeToString())


def one_operator(schema: Any, code: int, version: int) -> Any:
    """Return a model of one operator with nothing to work on: an interpreter looks it up before it looks at that."""
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


def operators(name: str, folder: Path) -> dict[str, int]:
    """Return the highest version that is known of each operator."""
    load: Callable[[bytes], object]
    if name == "tflite-micro":
        from tflite_micro.python.tflite_micro import runtime

        def load(content: bytes) -> object:
            return runtime.Interpreter.from_bytes(content, arena_size=100_000)
    else:
        module = "ai_edge_litert" if name == "litert" else "tflite_runtime"
        interpreter = __import__(f"{module}.interpreter", fromlist=["Interpreter"])

        def load(content: bytes) -> object:
            return interpreter.Interpreter(model_content=content)

    known: dict[str, int] = {}
    for path in sorted(folder.glob("*.tflite")):
        operator, version = path.stem.rsplit("-", 1)
        said = what_is_said(load, path.read_bytes())
        if not any(word in said for word in MISSING):
            known[operator] = max(known.get(operator, 0), int(version))
    return known


def what_is_said(load: Callable[[bytes], object], content: bytes) -> str:
    """Load in a child process, for some models end it; return all that it says."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(said.fileno(), 2)
            try:
                load(content)
            except Exception as error:
                os.write(2, str(error).encode())
            os._exit(0)
        os.waitpid(child, 0)
        said.seek(0)
        return said.read().decode(errors="replace")


def limits(folder: Path) -> dict[str, int]:
    """Return the highest opset and IR version that onnxruntime loads."""
    import onnxruntime

    def loads(opset: int, ir_version: int) -> bool:
        try:
            content = (folder / f"{opset}-{ir_version}.onnx").read_bytes()
            onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        except Exception:
            return False
        return True

    return {
        "opset": max(opset for opset in range(13, MOST_OPSETS + 1) if loads(opset, 7)),
        "ir_version": max(ir_version for ir_version in range(7, MOST_IR_VERSIONS + 1) if loads(13, ir_version)),
    }


def gather(work: Path) -> dict[str, Any]:
    """Return every table, by the interpreter's name."""
    return {name: json.loads((work / f"{name}.json").read_text()) for name in PACKAGES}


if __name__ == "__main__":
    task, argument = sys.argv[1], Path(sys.argv[2])
    if task == "make":
        make(argument)
    elif task == "gather":
        print(json.dumps(gather(argument), indent=1, sort_keys=True))
    else:
        facts = limits(argument) if task == "onnxruntime" else {"operators": operators(task, argument)}
        print(json.dumps({"package": PACKAGES[task], "version": metadata.version(PACKAGES[task]), **facts}))
