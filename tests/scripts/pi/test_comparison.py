"""The comparison of the scores of host and guest: what passes and what fails."""

import numpy as np
import pytest

from mnist_runtime.device.self_test import SCORE_BOUNDS
from mnist_tools.pi.comparison import Comparison, bound
from mnist_tools.pi.targets import PAIRS

SCORES = np.eye(10, dtype=np.float32)[np.arange(200) % 10] * np.float32(200 / 256)
STEP = np.float32(1 / 256)


def altered(change: float, column: int = 3, row: int = 150) -> np.ndarray:
    scores = SCORES.copy()
    scores[row, column] += np.float32(change)
    return scores


@pytest.mark.parametrize("backend", sorted({backend for _, backend in PAIRS}))
def test_one_different_integer_of_two_thousand_is_noticed(backend: str) -> None:
    allowed = bound(backend, "int8")
    assert Comparison.of(SCORES, SCORES.copy(), allowed).passed
    assert Comparison.of(SCORES, altered(STEP), allowed).passed == (backend == "litert")
    assert not Comparison.of(SCORES, altered(17 * STEP), allowed).passed


def test_float_scores_may_differ_by_the_bound_of_the_self_test() -> None:
    assert {bound(backend, "float32") for _, backend in PAIRS} == {SCORE_BOUNDS["float32"]} == {1e-4}
    found = Comparison.of(SCORES, altered(9e-5), 1e-4)
    assert (found.passed, found.differing, found.changed) == (True, 1, 0)
    assert not Comparison.of(SCORES, altered(2e-4), 1e-4).passed


def test_a_digit_may_change_only_if_two_scores_are_nearly_equal() -> None:
    host = SCORES.copy()
    host[0] = 0
    for gap, passed in ((0.04, True), (0.07, False)):
        host[0, 4], host[0, 5] = 0.5, 0.5 - gap
        guest = host.copy()
        guest[0, 4] -= np.float32(0.06)
        guest[0, 5] += np.float32(0.06)
        found = Comparison.of(host, guest, 0.0625)
        assert (found.passed, found.changed) == (passed, int(not passed))


@pytest.mark.parametrize("guest", [altered(np.nan), altered(np.inf), SCORES[:, :9], SCORES[:-1], SCORES[:0]])
def test_missing_or_infinite_scores_fail(guest: np.ndarray) -> None:
    assert not Comparison.of(SCORES, guest, 1e9).passed


def test_an_empty_comparison_fails() -> None:
    assert not Comparison.of(SCORES[:0], SCORES[:0], 0.0).passed


def test_the_summary() -> None:
    assert str(Comparison.of(SCORES, SCORES, 0.0)) == "all 200 identical"
    assert str(Comparison.of(SCORES, altered(2 * STEP), 0.0625)) == "1 of 200 differ by at most 0.0078 (bound 0.062)"
    assert str(Comparison.of(SCORES, altered(0.9), 0.0625)).endswith(", 1 digits changed")
