from typing import Any

import numpy as np
import pytest

from mnist_exporters import ExportSession
from mnist_exporters.inputs.labelled_images import ImageSet
from mnist_exporters.inputs.original import Original
from mnist_exporters.inputs.scaled_by_pixel import ScaledByPixel
from mnist_exporters.pipeline.original_advice import advice_on, low_accuracy
from mnist_exporters.proof.reference import Reference
from mnist_runtime.artifact.task import DIGITS
from mnist_trainer import Splits, load_model


@pytest.mark.long
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
    for wrong, start in (
        (5, "note: An accuracy of 95.00% is low for MNIST."),
        (20, "warning: An accuracy of 80.00% is low for MNIST."),
    ):
        answers = np.where(np.arange(100) < wrong, (labels + 1) % 10, labels)
        said = str(low_accuracy(Reference("mnist", images, labels, np.eye(10, dtype=np.float32)[answers])))
        assert said.startswith(start)
        assert "--expect-accuracy YOUR_ACCURACY" in said
        assert ("StandardScaler" in said) == (wrong == 20)
    assert low_accuracy(Reference("other", images, labels, np.eye(10, dtype=np.float32)[labels])) is None
    said = str(low_accuracy(Reference("other", images, labels, np.eye(10, dtype=np.float32)[answers])))
    assert said.startswith("warning: An accuracy of 80.00% may be low; each file is compared with it.")


@pytest.mark.parametrize(
    ("right", "origin", "facts", "start"),
    [
        (95, "measured", {}, "note: An accuracy of 95.00% is low for MNIST."),
        (95, "as recorded", {}, None),
        (95, "as given", {}, "note: An accuracy of 95.00% is low for MNIST."),
        (97, "measured", {}, None),
        (98, "measured", {}, None),
        (95, "measured", {"by_pixel": ScaledByPixel(0.99, 0.95, 100, (28, 28), "0..1", "--pixel-range 0..1")}, None),
        (85, "measured", {"renormalized": 0.99}, "warning: The original is right on 85.00%. The averages of its batch"),
        (85, "measured", {"renormalized": 0.851}, "warning: An accuracy of 85.00% is low for MNIST."),
        (30, "measured", {"renormalized": 0.99}, None),
        (30, "measured", {"pixel_doubt": "State the range."}, None),
        (30, "as given", {"pixel_doubt": "State the range."}, None),
        (30, "measured", {}, "warning: An accuracy of 30.00% is low for MNIST."),
    ],
)
def test_what_each_file_reports_is_not_said_twice(
    right: int, origin: str, facts: dict[str, Any], start: str | None
) -> None:
    class Known:
        range_origin = origin
        task = DIGITS

    labels = np.arange(100, dtype=np.uint8) % 10
    answers = np.where(np.arange(100) < right, labels, np.arange(100) * 7 % 97 % 9)
    answers = np.where((np.arange(100) >= right) & (answers == labels), 9, answers)
    answers = np.where((np.arange(100) >= right) & (answers == labels), 0, answers)
    images = np.zeros((100, 28, 28), np.uint8)
    scores = np.full((100, 10), 0.01, np.float32)
    scores[np.arange(100), answers] = 0.9 if right < 98 else 1.0  # a usual model may be sure of all
    reference = Reference("mnist", images, labels, scores, **facts)
    said = advice_on(Known(), reference, ImageSet("mnist", images, labels))
    assert said is None if start is None else str(said).startswith(start)
