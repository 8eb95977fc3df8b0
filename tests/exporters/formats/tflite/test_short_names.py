from pathlib import Path

import numpy as np

from mnist_exporters.formats.tflite.rewrites import with_short_names
from mnist_trainer import load_model


def test_names_become_short_and_the_answers_stay(tmp_path: Path) -> None:
    import tensorflow as tf
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter

    converter = tf.lite.TFLiteConverter.from_keras_model(load_model("cnn"))
    long = converter.convert()
    short = with_short_names(long)
    assert len(short) < len(long) - 500
    (graph,) = schema.ModelT.InitFromPackedBuf(short, 0).subgraphs
    names = [tensor.name.decode() for tensor in graph.tensors]
    assert all(";" not in name for name in names)
    assert any(name.startswith("relu2") for name in names), names
    assert with_short_names(short) == short
    images = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    answers = []
    for content in (long, short):
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    np.testing.assert_array_equal(*answers)
