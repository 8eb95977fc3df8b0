from collections.abc import Callable

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from mnist_exporters import ConversionError, ExportReport, ExportSession
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.tflite.logits import with_logits
from mnist_runtime.backends.base import Backend
from mnist_runtime.backends.tflite import load_litert
from mnist_runtime.prediction import scores_of_logits


@pytest.fixture
def sealed(exported: Callable[..., ExportReport]) -> bytes:
    """The int8 export of `linear`, which ends with ten sigmoids."""
    return exported("linear", "tflite", "int8").path.read_bytes()


def run(backend: Backend, images: np.ndarray) -> np.ndarray:
    found = backend.run(images[..., None])
    return found if backend.output is None else backend.output.dequantize(found)


def test_logits_are_those_before_the_activation(sealed: bytes, sessions: Callable[[str], ExportSession]) -> None:
    images = sessions("linear").test.images[:50]
    before, after = load_litert(sealed), load_litert(with_logits(sealed, "sigmoid", in_float=False))
    scores = scores_of_logits(run(after, images), "sigmoid")
    assert np.abs(scores - run(before, images)).max() <= 1.5 / 256  # the rounding of integer scores
    assert after.run(images[..., None]).dtype == np.uint8


def test_what_nothing_uses_any_more_is_removed(sealed: bytes) -> None:
    plugin = load_plugin("tflite")
    before, after = (plugin.read(content) for content in (sealed, with_logits(sealed, "sigmoid", in_float=False)))
    assert before.operators.keys() - after.operators.keys() == {"LOGISTIC"}
    assert len(after.tensors) == len(before.tensors) - 1
    assert (after.output.name, after.output.dtype) == (before.output.name, before.output.dtype)


def test_signature_still_names_input_and_output(sealed: bytes) -> None:
    names = Interpreter(model_content=sealed).get_signature_list()
    changed = Interpreter(model_content=with_logits(sealed, "sigmoid", in_float=False))
    assert changed.get_signature_list() == names
    (name,) = names
    runner = changed.get_signature_runner(name)
    (argument,) = runner.get_input_details()
    assert next(iter(runner(**{argument: np.zeros((1, 28, 28, 1), np.uint8)}).values())).shape == (1, 10)


@pytest.mark.parametrize(("activation", "in_float"), [("softmax", False), ("sigmoid", True)])
def test_model_without_that_activation_or_with_integer_output_is_an_error(
    sealed: bytes, activation: str, in_float: bool
) -> None:
    with pytest.raises(ConversionError, match=r"does not end with a softmax|has an integer output"):
        with_logits(sealed, activation, in_float=in_float)


def test_activation_that_is_already_in_float_stays(exported: Callable[..., ExportReport]) -> None:
    content = exported("linear", "tflite", "float32").path.read_bytes()
    assert with_logits(content, "sigmoid", in_float=True) == content
    with pytest.raises(ConversionError, match="already computed in float32"):
        with_logits(content, "sigmoid", in_float=False)
