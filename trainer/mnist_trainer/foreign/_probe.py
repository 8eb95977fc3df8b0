"""The child process that runs one model file: ``python -P -m mnist_trainer.foreign._probe FILE FORMAT``.

Interpreters are native code that does not check its files. A damaged file may crash this process, but not its parent.

At the start, the process prints one line of JSON with the inputs and outputs of the model, or with ``error``. Then it
answers requests until its standard input ends. A request is one line ``{"shape": [...], "step": n}``, followed by the
bytes of a tensor in the type of the model's input. ``step`` is the number of images to classify at a time. The answer
is one line with ``shape`` and ``dtype``, followed by the bytes of the scores; or one line with ``error``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.onnx import open_session
from mnist_runtime.errors import first_line
from mnist_trainer.data.isolation.limits import limit_memory

MOST_MEMORY = 1 << 32
"""Memory limit of the process in bytes. For a small model, the interpreters need less than a gigabyte."""

ORT_TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}
"""Type name in onnxruntime -> type name in NumPy, where the latter is not just the text inside ``tensor(...)``."""

Facts = dict[str, Any]


class Model(Protocol):
    """Interface of a loaded model."""

    inputs: list[Facts]
    outputs: list[Facts]

    def run(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the scores for one batch."""


class TFLite:
    """A model in LiteRT, on one thread."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        interpreter: Any = Interpreter  # untyped
        self._new: Callable[[], Any] = lambda: interpreter(model_content=content, num_threads=1)
        self._interpreter = self._new()
        self._interpreter.allocate_tensors()
        self.inputs = [_tflite_facts(one) for one in self._interpreter.get_input_details()]
        self.outputs = [_tflite_facts(one) for one in self._interpreter.get_output_details()]

    def run(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """See `Model.run`."""
        try:
            index = self._interpreter.get_input_details()[0]["index"]
            if tuple(self._interpreter.get_input_details()[0]["shape"]) != tensor.shape:
                self._interpreter.resize_tensor_input(index, tensor.shape)
                self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(index, tensor)
            self._interpreter.invoke()
            scores: npt.NDArray[Any] = self._interpreter.get_tensor(self._interpreter.get_output_details()[0]["index"])
        except Exception:
            self._interpreter = self._new()  # after a failure, the old interpreter may give wrong scores
            self._interpreter.allocate_tensors()
            raise
        return scores


def _tflite_facts(details: Facts) -> Facts:
    found = details["quantization_parameters"]
    scales, zero_points = found["scales"], found["zero_points"]
    signature: Any = details.get("shape_signature", details["shape"])
    return {
        "name": details["name"],
        "dtype": np.dtype(details["dtype"]).name,
        "shape": [int(axis) for axis in (signature if len(signature) == len(details["shape"]) else details["shape"])],
        "scale": float(scales[0]) if len(scales) == 1 else None,
        "zero_point": int(zero_points[0]) if len(scales) == 1 else None,
    }


class Onnx:
    """A model in onnxruntime, on one thread."""

    def __init__(self, content: bytes) -> None:
        import onnx

        if outside := _external_data(onnx.load_from_string(content)):
            raise ValueError(
                f"its weights, such as {outside}, are in another file. Save it as one file: "
                "onnx.save(onnx.load('net.onnx'), 'whole.onnx', save_as_external_data=False)"
            )
        self._session: Any = open_session(content)
        self.inputs = [_onnx_facts(one) for one in self._session.get_inputs()]
        self.outputs = [_onnx_facts(one) for one in self._session.get_outputs()]

    def run(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """See `Model.run`."""
        scores: npt.NDArray[Any] = self._session.run([self.outputs[0]["name"]], {self.inputs[0]["name"]: tensor})[0]
        return scores


def _external_data(model: Any) -> str:
    """Return the name of a tensor whose data is in another file; "" if there is none."""
    return next((str(one.name) for one in model.graph.initializer if one.data_location == one.EXTERNAL), "")


def _onnx_facts(value: Any) -> Facts:
    kind = str(value.type)
    shape = [axis if isinstance(axis, int) else -1 for axis in value.shape or ()]
    dtype = ORT_TYPES.get(kind, kind.removeprefix("tensor(").removesuffix(")"))
    return {"name": value.name, "dtype": dtype, "shape": shape, "scale": None, "zero_point": None}


LOADERS: dict[str, type[TFLite] | type[Onnx]] = {"tflite": TFLite, "onnx": Onnx}


def main(path: str, format: str) -> None:
    """Load the file and answer requests until the standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of native code goes to stderr, because stdout carries the answers
    limit_memory(MOST_MEMORY)
    try:
        model: Model = LOADERS[format](Path(path).read_bytes())
        _answer(answers, {"inputs": model.inputs, "outputs": model.outputs})
    except Exception as error:
        _answer(answers, {"error": first_line(error)})
        return
    requests = sys.stdin.buffer
    while line := requests.readline():
        wanted = json.loads(line)
        dtype = np.dtype(model.inputs[0]["dtype"])
        content = requests.read(int(np.prod(wanted["shape"])) * dtype.itemsize)
        tensor = np.frombuffer(content, dtype).reshape(wanted["shape"])
        step = wanted["step"]
        try:
            parts = [np.asarray(model.run(tensor[start : start + step])) for start in range(0, len(tensor), step)]
            scores = np.concatenate(parts)
        except Exception as error:
            _answer(answers, {"error": first_line(error)})
            continue
        _answer(answers, {"shape": scores.shape, "dtype": scores.dtype.name}, scores.tobytes())


def _answer(answers: BinaryIO, facts: Facts, content: bytes = b"") -> None:
    answers.write(json.dumps(facts).encode() + b"\n" + content)
    answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
