"""`Prediction.of`."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnist_runtime import Prediction

SCORES = hnp.arrays(np.float32, 10, elements=st.floats(0, 1, width=32))


@given(SCORES, st.floats(0, 1))
def test_the_digit_is_the_best_score_at_or_above_the_threshold(scores: np.ndarray, threshold: float) -> None:
    found = Prediction.of(scores, threshold)
    assert found.confidence == scores.max()
    best = float(scores.max())  # NumPy 2 would compare a float32 with the threshold rounded to one
    assert found.digit == (int(scores.argmax()) if best >= threshold else None)
    assert [score for _, score in found.ranking] == sorted(scores.tolist(), reverse=True)
    assert dict(found.ranking) == dict(enumerate(scores.tolist()))
