"""Models are measured on digits of other sources."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from mnist_trainer import Splits, UsageError
from mnist_trainer.augmentation.pen.draw import PRINT, SEVEN_SEGMENTS, draw_digits
from mnist_trainer.evaluation import domains
from mnist_trainer.evaluation.domains import Domains
from mnist_trainer.evaluation.other_digits import SEED, sklearn_digits
from mnist_trainer.evaluation.predictor import Predictor


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "DRAWN", 200)


def test_each_domain_has_the_accuracy_of_each_model(digits: Splits) -> None:
    def right(images: np.ndarray) -> np.ndarray:
        """Say 3 to everything, surely to digits of the test set only."""
        known = {image.tobytes() for image in digits.test.images}
        sure = np.array([0.9 if image.tobytes() in known else 0.2 for image in images])
        scores = np.full((len(images), 10), 0.05)
        scores[:, 3] = sure
        return scores

    first, second = Domains.measure([right, right], digits.test)
    assert first == second
    assert first.images == {
        "scikit-learn's digits": 1797,
        "pen, other shapes": 200,
        "printed": 200,
        "seven segments": 200,
    }
    assert first.accuracy["scikit-learn's digits"] == pytest.approx(183 / 1797)
    assert [first.accuracy[name] for name in list(first.accuracy)[1:]] == pytest.approx([0.1] * 3)
    assert first.auroc == 1


def test_each_row_is_of_its_own_pictures(digits: Splits) -> None:
    """Each model here knows the labels of one kind of pictures, and says 0 to all others."""
    kinds = {
        "scikit-learn's digits": sklearn_digits(),
        "pen, other shapes": draw_digits(200, SEED, held_out=True),
        "printed": draw_digits(200, SEED, kinds=(PRINT,)),
        "seven segments": draw_digits(200, SEED, kinds=(SEVEN_SEGMENTS,)),
    }

    def knowing(images: np.ndarray, labels: np.ndarray) -> Predictor:
        known = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
        return lambda asked: np.eye(10, dtype=np.float32)[[known.get(image.tobytes(), 0) for image in asked]]

    found = Domains.measure([knowing(*kind) for kind in kinds.values()], digits.test)
    for kind, one in zip(kinds, found, strict=True):
        assert [name for name, right in one.accuracy.items() if right > 0.2] == [kind]
        assert one.accuracy[kind] == 1


def test_other_images_than_digits_are_refused(fruits: Splits) -> None:
    with pytest.raises(UsageError, match="Leave --domains out"):
        Domains.measure([], fruits.test)


@pytest.mark.slow
def test_the_command_prints_and_writes_them(here: Callable[..., CompletedProcess[str]], tmp_path: Path) -> None:
    done = here("mnist-evaluate", "linear", "mlp", "--data", "digits", "--domains", "--report", tmp_path)
    assert done.returncode == 0, done.stderr
    table = done.stdout.split("digits of others")[1].splitlines()
    assert len(table) == 6
    assert max(map(len, done.stdout.splitlines())) <= 80
    written = json.loads((tmp_path / "evaluation.json").read_text())["models"]
    for index, one in enumerate(written):
        shown = [row.split()[-2 + index] for row in table[1:]]
        assert shown[:-1] == [f"{value:.2%}" for value in one["domains"]["accuracy"].values()]
        assert shown[-1] == f"{one['domains']['auroc_signs']:.4f}"
    page = (tmp_path / "evaluation.html").read_text()
    for text in ("Digits of other sources", "seven segments", *(shown[0].rstrip("%"),)):
        assert text in page
