import numpy as np
import pytest

from mnist_runtime.preprocess.grayscale import grayscale
from mnist_runtime.preprocess.ink.photo import photo_ink
from mnist_tools.studies.camera import CONDITIONS, Written, photograph, with_pen
from mnist_trainer import Dataset

RANDOM = 5


def written(name: str, legible: Dataset, *places: tuple[float, float]) -> np.ndarray:
    """Photograph digits of 110 pixels at `places` of a sheet of 320 x 420."""
    signs = [Written(legible.images[n], row, column, 110) for n, (row, column) in enumerate(places)]
    return grayscale(photograph(signs, (320, 420), with_pen(CONDITIONS[name]), np.random.default_rng(RANDOM)), 640)


@pytest.mark.parametrize("name", ["clean", "gradient", "notebook grid", "specks", "phone, lines, pencil"])
def test_each_sign_is_found_where_it_is(name: str, legible: Dataset) -> None:
    found = photo_ink(written(name, legible, (100, 120), (200, 300)), 1 / 20)
    assert len(found.symbols) == 2
    for mark, (row, column) in zip(
        sorted(found.symbols, key=lambda mark: mark.box), ((100, 120), (200, 300)), strict=True
    ):
        top, left, bottom, right = mark.box
        assert (top + bottom) / 2 == pytest.approx(row, abs=8)
        assert (left + right) / 2 == pytest.approx(column, abs=8)
        assert mark.height == pytest.approx(110, abs=12)
        assert found.extract(mark).max() == pytest.approx(255, abs=1)


@pytest.mark.parametrize("name", ["clean", "gradient", "noise", "phone, lines", "phone, grid"])
def test_an_empty_sheet_has_no_signs(name: str, legible: Dataset) -> None:
    assert photo_ink(written(name, legible), 1 / 20).symbols == []


def test_lines_are_found_only_where_they_are(legible: Dataset) -> None:
    assert photo_ink(written("notebook lines", legible, (160, 200)), 1 / 20).lines.mean() > 0.005
    assert not photo_ink(written("phone", legible, (160, 200)), 1 / 20).lines.any()


def test_what_is_smaller_than_asked_for_is_dirt(legible: Dataset) -> None:
    picture = written("clean", legible, (160, 200))
    assert len(photo_ink(picture, 0.2).symbols) == 1
    assert photo_ink(picture, 0.3).symbols == []
