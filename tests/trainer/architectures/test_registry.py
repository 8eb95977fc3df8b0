import pytest

from mnist_runtime.artifact.task import Task
from mnist_trainer import ARCHITECTURES, UsageError, architecture
from mnist_trainer.model_io.input_shape import check_model


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_architecture_builds_a_digit_model_of_its_name(name: str) -> None:
    assert architecture(name).name == name
    assert check_model(architecture(name).build()).name == name


def test_an_unknown_architecture_is_reported_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"Did you mean lenet\? Choose one of: linear, dense-100, "):
        architecture("lennet")


MOST_WEIGHTS = 3_500_000
"""For images of up to 32x20x3 or 9x128x3 values: 14 MB in float32."""


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_architecture_builds_a_model_of_any_size_and_number_of_classes(name: str) -> None:
    for task in (Task(8, 8, 1, ("a", "b")), Task(32, 20, 3, tuple("0123456789N")), Task(9, 128, 3)):
        model = architecture(name).build(task)
        assert check_model(model, task) is model
        assert model.count_params() < MOST_WEIGHTS, f"{name} is too large for {task.height}x{task.width} pixels"
