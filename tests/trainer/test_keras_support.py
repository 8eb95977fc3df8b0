"""The user's settings of Keras do not reach the toolkit."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from mnist_trainer import Splits, UsageError, evaluate, load_model
from mnist_trainer.keras_support import default_settings, import_tensorflow

SHOW = """
from mnist_trainer.keras_support import import_tensorflow
import_tensorflow()
from keras import config
print(config.floatx(), config.backend(), config.image_data_format(), config.epsilon(), config.max_steps_per_epoch())
"""


@pytest.mark.parametrize(
    "settings",
    [{"floatx": "float16", "backend": "jax", "image_data_format": "channels_first", "epsilon": 0.5}],
)
@pytest.mark.slow
def test_a_settings_file_changes_nothing(
    run: Callable[..., CompletedProcess[str]], tmp_path: Path, settings: dict[str, object]
) -> None:
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    limits = {"KERAS_MAX_STEPS_PER_EPOCH": "1", "KERAS_BACKEND": "torch"}
    done = run("python", "-c", SHOW, KERAS_HOME=str(tmp_path), **limits)
    assert (done.stdout, done.stderr) == ("float32 tensorflow channels_last 1e-07 None\n", "")


@pytest.mark.long
def test_a_settings_file_that_keras_rejects_is_named(run: Callable[..., CompletedProcess[str]], tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"floatx": "half"}')
    done = run("mnist-evaluate", "linear", "--data", "digits", KERAS_HOME=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("error: Keras cannot be imported (Invalid `floatx`")
    assert done.stderr.endswith(f"delete the file keras.json in the folder {tmp_path}.\n")


def test_settings_of_a_program_change_nothing_and_stay(digits: Splits) -> None:
    import keras

    before = evaluate(load_model("linear"), digits.test).as_dict()
    with default_settings():
        keras.config.set_floatx("float16")
        keras.config.set_image_data_format("channels_first")
        keras.config.set_dtype_policy("mixed_bfloat16")
        keras.config.set_max_steps_per_epoch(1)
        assert evaluate(load_model("linear"), digits.test).as_dict() == before
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        assert (keras.config.floatx(), keras.config.image_data_format()) == ("float16", "channels_first")
    assert keras.config.dtype_policy().name == keras.config.floatx() == "float32"


def test_another_backend_of_the_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(UsageError, match=r"runs on torch.*KERAS_BACKEND=tensorflow"):
        import_tensorflow()
