from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mnist_trainer import ModelError, load_model
from mnist_trainer.keras_support import default_settings

if TYPE_CHECKING:
    import tensorflow as tf

Answer = Callable[["tf.Tensor"], object]


def saved(
    path: Path,
    answer: Answer,
    shape: tuple[int | None, ...] | None = (None, 28, 28),
    dtype: str = "float32",
    **more: Answer,
) -> str:
    """Write a SavedModel that computes `answer`, with one more endpoint for each of `more`."""
    import tensorflow as tf

    module = tf.Module()
    module.weights = tf.Variable(np.random.default_rng(0).random((784, 10)).astype(np.float32))
    signature = [tf.TensorSpec(shape, getattr(tf, dtype))]

    def traced(answer: Answer) -> object:
        return tf.function(lambda pixels: answer(pixels, module.weights), input_signature=signature)

    endpoints = {"serving_default": answer} if not more else {"serving_default": answer, **more}
    tf.saved_model.save(module, path, signatures={name: traced(one) for name, one in endpoints.items() if one})
    return str(path)


def linear(pixels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.reshape(tf.cast(pixels, tf.float32), (-1, 784)) @ weights


@pytest.mark.parametrize("kind", ["model.export", "tf.saved_model.save", "one endpoint of another name", "trained"])
def test_saved_models_give_the_same_scores(tmp_path: Path, kind: str) -> None:
    import tensorflow as tf

    images = np.random.default_rng(0).random((5, 28, 28)).astype(np.float32)
    model = load_model("linear")
    path = tmp_path / "mine"
    if kind == "model.export":
        model.export(path, verbose=False)
    elif kind == "tf.saved_model.save":
        tf.saved_model.save(model, path)
    elif kind == "trained":  # with the training step, as Keras 2 saves it
        model.compile("adam", "mse")
        module = tf.Module()
        module.model = model
        module.steps = tf.Variable(0)
        spec = tf.TensorSpec((None, 28, 28), tf.float32)

        @tf.function(input_signature=[spec])
        def train(pixels: tf.Tensor) -> tf.Tensor:
            module.steps.assign_add(1)
            return tf.nn.dropout(model(pixels, training=True), 0.5)

        module.train = train
        answer = tf.function(model, input_signature=[spec])
        tf.saved_model.save(module, path, signatures=answer)
    else:
        answer = tf.function(lambda x: {"a": model(x)}, input_signature=[tf.TensorSpec((None, 28, 28), tf.float32)])
        tf.saved_model.save(model, path, signatures={"classify": answer})
    loaded = load_model(str(path))
    assert loaded.input_shape == (None, 28, 28)
    assert loaded.count_params() == model.count_params()
    assert np.allclose(loaded.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-6)


def bound(pixels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Subtract the first image from the second, so that the graph cannot take any number of images."""
    return linear(pixels, weights) - linear(pixels[:1], weights)


def whole(pixels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Use the integers as such, so that the conversion to integers must stay."""
    return linear(pixels // 2, weights)


@pytest.mark.parametrize("answer", [linear, whole])
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((None, 28, 28), "uint8"), ((1, 28, 28), "float32"), ((1, 28, 28), "uint8"), ((None, None, 28), "int32")],
)
def test_integers_and_fixed_numbers_of_images_are_taken(
    tmp_path: Path, shape: tuple[int | None, ...], dtype: str, answer: Answer
) -> None:
    import tensorflow as tf

    path = saved(tmp_path / "mine", answer, shape=shape, dtype=dtype)
    if answer is whole and shape[0] == 1 and dtype == "uint8":
        with pytest.raises(ModelError, match="takes 1 image at a time, and its graph depends on that number"):
            load_model(path)
        return
    model = load_model(path)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(dtype)
    weights = tf.constant(np.random.default_rng(0).random((784, 10)).astype(np.float32))
    assert (model.input_shape, model.inputs[0].dtype) == ((None, 28, 28), "float32")
    assert np.allclose(model(images.astype(np.float32)), answer(tf.constant(images), weights), rtol=1e-4)
    assert model.count_params() == 7840


@pytest.mark.parametrize("policy", ["mixed_float16", "float16", "mixed_bfloat16", "float64"])
def test_a_saved_model_of_another_precision_is_rejected(tmp_path: Path, policy: str) -> None:
    import keras

    with default_settings():
        keras.config.set_dtype_policy(policy)
        keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)]).export(
            tmp_path / "mine", verbose=False
        )
    with pytest.raises(ModelError, match=rf"\(policy {policy}\).*model\.save\('model\.keras'\)"):
        load_model(tmp_path / "mine")


def test_the_state_of_an_optimizer_of_keras_2_is_passed_over(tmp_path: Path) -> None:
    """TensorFlow restores it through the method `add_slot`, which no class has any more."""
    from tensorflow.core.protobuf import saved_model_pb2

    model = load_model("linear")
    model.export(tmp_path / "mine", verbose=False)
    path = tmp_path / "mine" / "saved_model.pb"
    content = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    nodes = content.meta_graphs[0].object_graph_def.nodes
    first, second = [number for number, node in enumerate(nodes) if node.HasField("variable")][:2]
    nodes[0].slot_variables.add(original_variable_node_id=first, slot_name="m", slot_variable_node_id=second)
    path.write_bytes(content.SerializeToString())
    before = path.read_bytes()
    images = np.random.default_rng(0).random((2, 28, 28)).astype(np.float32)
    assert np.allclose(load_model(tmp_path / "mine")(images), model(images), atol=1e-6)
    assert path.read_bytes() == before


def test_other_models_are_reported(tmp_path: Path) -> None:
    def twice(pixels: tf.Tensor, weights: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"a": linear(pixels, weights), "b": linear(pixels, weights)}

    for number, (path, words) in enumerate(
        [
            (saved(tmp_path / "outputs", twice), "has 1 inputs and 2 outputs"),
            (saved(tmp_path / "text", linear, dtype="float64"), r"takes float64 of shape \[None, 28, 28\]"),
            (saved(tmp_path / "bound", bound, shape=(2, 28, 28)), "takes 2 images at a time"),
            (saved(tmp_path / "open", linear, shape=None), "takes float32 of shape unknown"),
            (saved(tmp_path / "shape", linear, shape=(None, 56, 14)), r"has inputs \[\(56, 14\)\]"),
            (saved(tmp_path / "none", None), "serving_default; it has none"),
            (saved(tmp_path / "several", None, a=linear, b=linear), "serving_default; it has a, b"),
        ]
    ):
        with pytest.raises(ModelError, match=words) as caught:
            load_model(path)
        assert caught.value.exit_code == 5, number


@pytest.mark.parametrize("operation", ["WriteFile", "ReadFile", "SaveV2", "PrintV2", "EagerPyFunc"])
def test_a_graph_accesses_files_only_if_it_is_trusted(tmp_path: Path, operation: str) -> None:
    import tensorflow as tf

    secret, marker = tmp_path / "secret", tmp_path / "executed"
    secret.write_text("secret")

    def reach(pixels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        if operation == "WriteFile":
            tf.io.write_file(str(marker), "x")
        elif operation == "ReadFile":
            weights = weights + tf.cast(tf.strings.length(tf.io.read_file(str(secret))), tf.float32)
        elif operation == "SaveV2":
            tf.raw_ops.SaveV2(prefix=str(marker), tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant(1)])
        elif operation == "PrintV2":
            tf.print("x", output_stream=f"file://{marker}")
        else:
            weights = tf.ensure_shape(tf.py_function(lambda same: same, [weights], tf.float32), (784, 10))
        return linear(pixels, weights)

    path = saved(tmp_path / "mine", reach)
    with pytest.raises(ModelError, match=rf"not loaded, since its graph contains {operation}.*--trust"):
        load_model(path)
    assert not any(tmp_path.glob("executed*"))
    load_model(path, trust=True)
    assert marker.exists() == (operation in ("WriteFile", "PrintV2"))


@pytest.mark.parametrize("operation", ["GenerateVocabRemapping", "DecodeProtoV2", "ImmutableConst", "DecodePng"])
def test_operations_without_state_that_open_files_are_refused(tmp_path: Path, operation: str) -> None:
    import tensorflow as tf

    here = str(tmp_path / "secret")

    def reach(pixels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        raw: dict[str, Answer] = {
            "GenerateVocabRemapping": lambda: tf.raw_ops.GenerateVocabRemapping(
                new_vocab_file="gs://bucket/words", old_vocab_file=here, new_vocab_offset=0, num_new_vocab=1
            )[1],
            "DecodeProtoV2": lambda: tf.raw_ops.DecodeProtoV2(
                bytes=[b""], message_type="a.B", field_names=[], output_types=[], descriptor_source=here
            )[0],
            "ImmutableConst": lambda: tf.raw_ops.ImmutableConst(dtype=tf.int32, shape=(1,), memory_region_name=here),
            "DecodePng": lambda: tf.io.decode_png(tf.constant(b"")),
        }
        return linear(pixels, weights) + tf.cast(tf.size(raw[operation]()), tf.float32)

    with pytest.raises(ModelError, match=f"its graph contains {operation}, which can access"):
        load_model(saved(tmp_path / "mine", reach))


def test_the_allowed_operators_exist_and_none_of_them_reaches_out() -> None:
    from tensorflow.python.framework import op_def_registry

    from mnist_trainer.model_io.saved_model.operators import ALLOWED

    definitions = {name: op_def_registry.get(name) for name in ALLOWED}
    assert sorted(name for name, found in definitions.items() if found is None) == []
    words = ("File", "PyFunc", "Debug", "Dataset", "Reader", "Summary", "Print", "Save", "Restore", "Send", "Recv")
    assert not [name for name in ALLOWED if any(word in name for word in words)]
    names = {arg.name for found in definitions.values() for arg in (*found.input_arg, *found.attr)}
    assert not [name for name in names if any(word in name for word in ("file", "path", "url", "address", "region"))]


def test_operations_in_branches_are_found(tmp_path: Path) -> None:
    import tensorflow as tf

    def reach(pixels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        def write() -> tf.Tensor:
            tf.io.write_file(str(tmp_path / "executed"), "x")
            return weights

        return linear(pixels, tf.cond(tf.reduce_sum(pixels) > 5, write, lambda: weights + 0))

    with pytest.raises(ModelError, match="WriteFile"):
        load_model(saved(tmp_path / "mine", reach))


@pytest.mark.parametrize("damage", ["graph", "empty graph", "no variables", "damaged variables"])
def test_a_damaged_saved_model_is_reported(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "mine"
    load_model("linear").export(path, verbose=False)
    graph, variables = path / "saved_model.pb", next((path / "variables").glob("*.data*"))
    if damage == "graph":
        graph.write_bytes(graph.read_bytes()[:5000])
    elif damage == "empty graph":
        graph.write_bytes(b"")
    elif damage == "no variables":
        variables.unlink()
    else:
        variables.write_bytes(b"\1" * 100)
    with pytest.raises(ModelError, match=r"SavedModel|saved_model"):
        load_model(str(path))
