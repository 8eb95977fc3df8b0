"""Models are loaded in a child process first."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime.artifact.task import DIGITS
from mnist_runtime.errors import MachineError
from mnist_trainer import ModelError, load_model
from mnist_trainer.data.isolation.child_process import KeptProcess
from mnist_trainer.model_io.isolation import trial
from mnist_trainer.model_io.measured import bounded_predict

pytestmark = pytest.mark.usefixtures("real_trials")


def saved(path: Path, answer: Callable[[object], object]) -> Path:
    """Write a SavedModel that computes `answer`."""
    import tensorflow as tf

    module = tf.Module()
    function = tf.function(answer, input_signature=[tf.TensorSpec((None, 28, 28), tf.float32)])
    tf.saved_model.save(module, path, signatures=function)
    return path


@pytest.mark.long
@pytest.mark.parametrize("name", ["mine.keras", "mine.h5", "mine"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_model_of_each_kind_passes(tmp_path: Path, name: str) -> None:
    model, path = load_model("linear"), tmp_path / name
    model.save(path) if path.suffix else model.export(path, verbose=False)
    images = np.random.default_rng(0).random((2, 28, 28)).astype(np.float32)
    assert np.allclose(load_model(path)(images), model(images), atol=1e-6)


@pytest.mark.long
def test_a_model_that_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    def answer(images: tf.Tensor) -> tf.Tensor:
        (end,) = tf.while_loop(lambda x: x >= 0, lambda x: [x * 1.0], [tf.abs(images[0, 0, 0])])
        return tf.reshape(images, (-1, 784))[:, :10] + end

    monkeypatch.setattr(trial, "SECONDS", 4.0)
    with pytest.raises(ModelError, match=r"more than 4 seconds\. It may never end"):
        load_model(saved(tmp_path / "mine", answer))


@pytest.mark.slow
def test_a_model_that_takes_all_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    def answer(images: tf.Tensor) -> tf.Tensor:
        side = 16_000 * tf.minimum(tf.shape(images)[0], 1)
        return tf.reshape(images, (-1, 784))[:, :10] * tf.ones((side, side))[0, 0]

    monkeypatch.setattr(trial, "MOST_MEMORY", 1 << 29)
    with pytest.raises(ModelError, match=r"more than 0\.5 GiB of memory"):
        load_model(saved(tmp_path / "mine", answer))


@pytest.mark.long
def test_a_loop_that_only_real_images_enter_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial has black images and noise; the digits are between those."""
    import tensorflow as tf

    def answer(images: tf.Tensor) -> tf.Tensor:
        mean = tf.reduce_mean(images[0])
        (end,) = tf.while_loop(lambda x: (x > 0.02) & (x < 0.4), lambda x: [x * 1.0], [mean])
        return tf.reshape(images, (-1, 784))[:, :10] + end

    model = load_model(saved(tmp_path / "mine", answer))
    images = np.full((3, 28, 28), 0.1, np.float32)
    monkeypatch.setattr(bounded_predict, "SECONDS", 0.5)
    with pytest.raises(ModelError, match=r"seconds for 3 images\. It may never end"):
        bounded_predict.predict(model, images, 8)
    monkeypatch.undo()
    assert bounded_predict.predict(model, np.zeros_like(images), 2).shape == (3, 10)


@pytest.mark.slow  # TensorFlow tries for ten seconds to get memory
def test_a_file_of_many_weights_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras hides the missing memory in a text about objects that could not be loaded."""
    import keras

    layers = [keras.layers.Flatten(), keras.layers.Dense(4000), keras.layers.Dense(5000), keras.layers.Dense(10)]
    keras.Sequential([keras.Input((28, 28)), *layers]).save(tmp_path / "mine.keras")
    monkeypatch.setattr(trial, "MOST_MEMORY", 1 << 28)
    with pytest.raises(ModelError, match=r"more than 0\.25 GiB of memory.*fewer weights"):
        load_model(tmp_path / "mine.keras")


@pytest.mark.slow  # as above
def test_a_model_that_makes_images_huge_is_named() -> None:
    import keras

    layers = [keras.layers.ZeroPadding2D(20_000), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    with pytest.raises(ModelError, match="a tensor of 500 x 40028 x 40028 x 1 values for 500 images, for which there"):
        bounded_predict.predict(model, np.zeros((600, 28, 28, 1), np.float32), 500)


@pytest.mark.slow  # TensorFlow tries for ten seconds to get memory
def test_a_huge_constant_is_named(tmp_path: Path) -> None:
    import tensorflow as tf

    def answer(images: tf.Tensor) -> tf.Tensor:
        return tf.reshape(images, (-1, 784))[:, :10] * tf.ones((30_000, 30_000))[0, 0]

    with pytest.raises(ModelError, match="a tensor of 30000 x 30000 values, for which there is too little memory"):
        load_model(saved(tmp_path / "mine", answer))


@pytest.mark.slow  # TensorFlow tries for ten seconds to get memory
def test_a_small_file_of_a_large_layer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import json
    import zipfile

    import keras

    keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)]).save(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as source, zipfile.ZipFile(tmp_path / "mine.keras", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"]["layers"][-1]["config"]["units"] = 2**19
                content = json.dumps(config).encode()
            target.writestr(name, content)
    assert (tmp_path / "mine.keras").stat().st_size < 60_000
    monkeypatch.setattr(trial, "MOST_MEMORY", 1 << 29)
    with pytest.raises(ModelError, match=r"more than 0\.5 GiB of memory"):
        load_model(tmp_path / "mine.keras")


@pytest.mark.long
def test_a_class_that_the_program_registered_is_loaded(tmp_path: Path) -> None:
    import keras

    @keras.saving.register_keras_serializable("mine")
    class Twice(keras.layers.Layer):
        def call(self, images: object) -> object:
            return images * 2

    keras.Sequential([keras.Input((28, 28)), Twice(), keras.layers.Flatten(), keras.layers.Dense(10)]).save(
        tmp_path / "mine.keras"
    )
    assert load_model(tmp_path / "mine.keras").output_shape == (None, 10)
    del keras.saving.get_custom_objects()["mine>Twice"]
    with pytest.raises(ModelError, match="is not part of Keras 3"):
        load_model(tmp_path / "mine.keras")


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ({"result": "ended", "how": "SIGSEGV"}, ModelError, r"ended the process that loaded it \(SIGSEGV\)"),
        (
            {"result": "ended", "how": "SIGKILL"},
            MachineError,
            r"was killed \(SIGKILL\), as the system does when memory",
        ),
        ({"result": "error", "kind": "MachineError", "text": "A disk is full."}, MachineError, "A disk is full"),
        (None, MachineError, r"process that tries models has ended \(exit code 7\)"),
    ],
)
def test_a_crash_and_a_failure_of_the_machine_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: object, error: type[Exception], words: str
) -> None:
    import json

    code = "import sys\nsys.stdin.readline()\n"
    code += "sys.exit(7)\n" if answer is None else f"print({json.dumps(answer)!r}, flush=True)\n"
    (tmp_path / "pretended.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(trial, "PROCESS", KeptProcess("pretended"))
    with pytest.raises(error, match=words):
        trial.try_model(tmp_path, DIGITS)
