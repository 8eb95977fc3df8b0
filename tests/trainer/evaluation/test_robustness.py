import numpy as np
import pytest

from mnist_trainer import Splits
from mnist_trainer.errors import MissingPackageError
from mnist_trainer.evaluation.mnist_c import CORRUPTIONS
from mnist_trainer.evaluation.out_of_distribution import NON_DIGITS
from mnist_trainer.evaluation.predictor import Predictor, load_predictor
from mnist_trainer.evaluation.robustness import Robustness


@pytest.mark.long
def test_every_kind_is_measured_and_brightness_lowers_the_accuracy(digits: Splits) -> None:
    few = digits.test.take(np.arange(100), "test")
    predict = load_predictor("cnn", few)
    (found,) = Robustness.measure([predict], few)
    assert set(found.accuracy) == set(CORRUPTIONS)
    assert set(found.auroc) == set(NON_DIGITS)
    clean = np.mean(predict(few.images).argmax(axis=1) == few.labels)
    assert found.accuracy["brightness"] < clean
    assert found.mean_accuracy == pytest.approx(np.mean(list(found.accuracy.values())))
    assert found.as_dict()["mean_auroc"] == found.mean_auroc


@pytest.mark.long
def test_accuracy_and_auroc_of_known_predictors(digits: Splits) -> None:
    """A model with the same confidence everywhere has an AUROC of 0.5; one that knows the digits has 1."""
    few = digits.test.take(np.arange(50), "test")
    known = {image.tobytes() for image in few.images}

    def memory(images: np.ndarray) -> np.ndarray:
        return np.array([[0, 0.9 if image.tobytes() in known else 0.1, *[0] * 8] for image in images], np.float32)

    never, found = Robustness.measure([lambda images: np.full((len(images), 10), 0.1), memory], few)
    assert never.mean_auroc == 0.5
    assert found.mean_auroc == 1
    assert found.mean_accuracy == pytest.approx(np.mean(few.labels == 1))
    assert found.as_dict() == {
        "images": 50,
        "mean_accuracy": found.mean_accuracy,
        "accuracy": dict.fromkeys(CORRUPTIONS, np.mean(few.labels == 1)),
        "mean_auroc": 1,
        "auroc": dict.fromkeys(NON_DIGITS, 1),
    }


@pytest.mark.long
def test_all_models_get_the_same_pictures_and_each_seed_draws_others(digits: Splits) -> None:
    ten = digits.test.take(np.arange(10), "test")
    asked: list[list[np.ndarray]] = [[], [], []]

    def remembering(images: list[np.ndarray]) -> Predictor:
        def predict(given: np.ndarray) -> np.ndarray:
            images.append(given.copy())
            return np.full((len(given), 10), 0.1, np.float32)

        return predict

    Robustness.measure([remembering(asked[0]), remembering(asked[1])], ten)
    Robustness.measure([remembering(asked[2])], ten, seed=1)
    assert all((one == other).all() for one, other in zip(asked[0], asked[1], strict=True))
    assert [len(images) for images in asked[0]] == [10] * (len(CORRUPTIONS) + 1 + len(NON_DIGITS))
    differs = [(one != other).any() for one, other in zip(asked[0], asked[2], strict=True)]
    assert sum(differs[: len(CORRUPTIONS)]) > 3, "noise and scribbles, but no blur"
    assert not differs[len(CORRUPTIONS)], "the clean digits"
    assert all(differs[len(CORRUPTIONS) + 1 :])


def test_a_missing_package_is_reported(digits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'mnist-edge-export\[robustness\]'"):
        Robustness.measure([load_predictor("mlp", digits.test)], digits.test)
