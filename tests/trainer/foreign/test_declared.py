"""The shapes that files of Keras models declare."""

from pathlib import Path

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_trainer.data.stated import StatedTask
from mnist_trainer.foreign.declared import declared_shapes
from mnist_trainer.foreign.stated import stated_for


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One model in each kind of file."""
    folder = tmp_path_factory.mktemp("models")
    layers = [keras.Input((32, 20, 3)), keras.layers.Flatten(), keras.layers.Dense(11, activation="softmax")]
    model = keras.Sequential(layers)
    paths = {"keras": folder / "net.keras", "h5": folder / "net.h5", "saved": folder / "saved"}
    model.save(paths["keras"])
    keras.saving.save_model(model, paths["h5"])
    model.export(paths["saved"], verbose=False)
    return paths


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("kind", ["keras", "h5", "saved"])
def test_each_kind_of_file_states_size_channels_and_classes(files: dict[str, Path], kind: str) -> None:
    shape, classes = declared_shapes(files[kind])
    assert (list(shape), classes) == ([32, 20, 3], 11)
    expected = StatedTask(size=(32, 20), channels=3, classes=11, converts=False)
    assert stated_for([files[kind]], "pictures") == expected


def test_a_configuration_of_keras_2_is_read(tmp_path: Path) -> None:
    layers = (
        '[{"class_name": "Conv2D", "config": {"batch_input_shape": [null, 16, 12, 1], "units": 3}}, '
        '{"class_name": "Dense", "config": {"units": 4}}, {"class_name": "Activation", "config": {}}]'
    )
    flat = layers.replace("Activation", "Flatten")
    for inside in (layers, f'{{"name": "s", "layers": {layers}}}', flat):
        text = f'{{"class_name": "Sequential", "config": {inside}}}'
        (tmp_path / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100) + text.encode() + bytes(50))
        shape, classes = declared_shapes(tmp_path / "old.h5")
        assert (list(shape), classes) == ([16, 12, 1], None if inside is flat else 4)


def test_the_last_layer_may_be_in_a_model_inside(tmp_path: Path) -> None:
    inside = keras.Sequential([keras.Input((20,)), keras.layers.Dense(4), keras.layers.Softmax()])
    keras.Sequential([keras.Input((4, 5)), keras.layers.Flatten(), inside]).save(tmp_path / "net.keras")
    assert declared_shapes(tmp_path / "net.keras") == ([4, 5], 4)


def test_layers_that_keep_the_number_of_scores_may_follow_the_last_one(tmp_path: Path) -> None:
    pooled = [keras.layers.Conv2D(5, 3), keras.layers.BatchNormalization(), keras.layers.GlobalAveragePooling2D()]
    dense = [keras.layers.Flatten(), keras.layers.Dense(5), keras.layers.BatchNormalization()]
    whole = [keras.layers.Conv2D(5, 9), keras.layers.Flatten(), keras.layers.Softmax()]
    many = [keras.layers.Conv2D(5, 3), keras.layers.Flatten()]
    for end in ([*pooled, keras.layers.Softmax()], dense, whole, many, [*many, keras.layers.UnitNormalization()]):
        model = keras.Sequential([keras.Input((9, 9, 1)), *end])
        model.save(tmp_path / "net.keras")
        is_known = not isinstance(end[-1], keras.layers.UnitNormalization)
        assert declared_shapes(tmp_path / "net.keras")[1] == (model.output_shape[1] if is_known else None)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_several_outputs_state_no_number_of_classes(tmp_path: Path, suffix: str) -> None:
    """The last layer may belong to a decoder. A single output states the number, whether or not it is in a list."""
    rows = keras.Input((20,))
    code = keras.layers.Dense(6)(rows)
    scores, copy = keras.layers.Dense(4)(code), keras.layers.Dense(20)(code)
    path = tmp_path / f"net.{suffix}"
    for outputs, classes in (
        ([scores, copy], None),
        ({"scores": scores, "copy": copy}, None),
        ([scores], 4),
        (scores, 4),
    ):
        keras.saving.save_model(keras.Model(rows, outputs), path)
        assert declared_shapes(path) == ([20], classes)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_says_nothing_or_something(
    files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(["keras", "h5", "saved"]))
    source = files[kind] / "saved_model.pb" if kind == "saved" else files[kind]
    content = bytearray(source.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / source.name
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    shape, classes = declared_shapes(folder if kind == "saved" else path)
    assert len(shape) < 10
    assert classes is None or isinstance(classes, int)
