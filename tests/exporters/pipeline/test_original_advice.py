import numpy as np
import pytest

from mnist_exporters import ExportSession
from mnist_exporters.inputs.original import Original
from mnist_exporters.pipeline.original_advice import low_accuracy
from mnist_exporters.proof.reference import Reference
from mnist_trainer import Splits, load_model


def test_a_stated_scaling_that_makes_the_scores_certain_is_doubted_at_a_usual_accuracy(
    digits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network of ReLUs is about as accurate with pixels 255 times too large."""
    monkeypatch.setattr("mnist_exporters.pipeline.original_advice.USUAL_ACCURACY", 0.55)
    model = load_model("linear")
    advice = {
        stated: ExportSession(Original.from_keras(model, digits.test, pixel_range=stated), *digits).advice
        for stated in ("0..1", "0..255")
    }
    assert advice["0..1"] is None
    assert "For these images give --pixel-range 0..1." in str(advice["0..255"])


def test_an_accuracy_far_below_that_of_mnist_models_is_a_warning() -> None:
    """Pixels scaled each by numbers of its own leave 50 to 90 %; a short training about 95 %."""
    labels = np.arange(100, dtype=np.uint8) % 10
    images = np.zeros((100, 28, 28), np.uint8)
    for wrong, start in ((5, "note: 95.00% is low for MNIST."), (20, "warning: 80.00% is low for MNIST.")):
        answers = np.where(np.arange(100) < wrong, (labels + 1) % 10, labels)
        said = str(low_accuracy(Reference("mnist", images, labels, np.eye(10, dtype=np.float32)[answers])))
        assert said.startswith(start)
        assert "--expect-accuracy YOUR_ACCURACY" in said
        assert ("StandardScaler" in said) == (wrong == 20)
    assert low_accuracy(Reference("other", images, labels, np.eye(10, dtype=np.float32)[labels])) is None
