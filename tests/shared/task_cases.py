"""Small images of other classes than digits, and models without training that classify them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist_runtime.artifact.task import Task

if TYPE_CHECKING:
    import keras
    import onnx

    from mnist_trainer import Splits

METER = Task(32, 20, 3, (*"0123456789", "N"))
"""Colour pictures of a meter's wheel, one class between two digits."""


def templates(task: Task) -> np.ndarray:
    """One pattern for each class, uint8 (k, h, w) or (k, h, w, 3): blocks of few random grey levels or colours."""
    rng = np.random.default_rng(1)
    blocks = rng.integers(0, 2, (len(task.labels), 4, 4, task.channels)) * 160 + 40
    rows, columns = (np.arange(side) * 4 // side for side in task.image_shape[:2])
    return blocks[:, rows][:, :, columns].reshape(-1, *task.image_shape).astype(np.uint8)


def splits_of(task: Task, train: int = 300, test: int = 1500) -> Splits:
    """Templates under noise, the classes in turn."""
    from mnist_trainer.data.dataset import Dataset, Splits

    rng = np.random.default_rng(0)

    def part(name: str, count: int) -> Dataset:
        labels = np.arange(count) % len(task.labels)
        images = templates(task)[labels] + rng.normal(0, 30, (count, *task.image_shape))
        images = np.clip(images * rng.uniform(0.7, 1, (count, *[1] * len(task.image_shape))), 0, 255).astype(np.uint8)
        kind = np.uint8 if len(task.labels) <= 256 else np.uint16
        return Dataset("blocks", name, "made up", images, labels.astype(kind), task)

    return Splits(part("train", train), part("test", test))


def model_of(task: Task, shape: tuple[int, ...] | None = None, activation: str = "softmax") -> keras.Model:
    """Convolution and dense layer, which compare pixels 0..1 with the templates; `shape` is that of its input."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(shape or task.tensor_shape),
            *([] if shape is None else [layers.Reshape(task.tensor_shape)]),
            layers.Conv2D(task.channels, 1, activation="relu"),
            layers.Flatten(),
            layers.Dense(len(task.labels), activation="relu"),
            layers.Dense(len(task.labels), activation=activation),
        ],
        name="blocks",
    )
    patterns = templates(task).reshape(len(task.labels), -1) / 255
    centered = patterns - patterns.mean(axis=1, keepdims=True)
    compared = (centered / np.linalg.norm(centered, axis=1, keepdims=True)).T
    convolution, *_, first, last = model.layers[-4:]
    convolution.set_weights([np.eye(task.channels)[None, None], np.zeros(task.channels)])
    first.set_weights([compared, np.zeros(len(task.labels))])
    last.set_weights([np.eye(len(task.labels)) * 0.6, np.zeros(len(task.labels))])
    return model


def torch_like_of(task: Task) -> onnx.ModelProto:
    """Return a network as PyTorch writes it, NCHW from 0..1 to logits: compares images with the templates of `task`."""
    import onnx
    from onnx import helper

    classes, (height, width, channels) = len(task.labels), task.tensor_shape
    patterns = np.moveaxis(templates(task).reshape(classes, height, width, channels), -1, 1) / 255
    centered = patterns.reshape(classes, -1) - patterns.reshape(classes, -1).mean(axis=1, keepdims=True)
    constants = {
        "fc.weight": centered / np.linalg.norm(centered, axis=1, keepdims=True) * 0.6,
        "fc.bias": np.zeros(classes),
    }
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "fc.weight", "fc.bias"], ["output"], transB=1),
    ]
    ends = {"input": [channels, height, width], "output": [classes]}
    taken, given = (helper.make_tensor_value_info(name, 1, ["n", *shape]) for name, shape in ends.items())
    stored = [onnx.numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "main_graph", [taken], [given], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
