"""The backend for ONNX files."""

import numpy as np
import pytest

from mnist_runtime import BACKENDS

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("uses", [1, 2])
def test_sums_of_large_int8_weights_do_not_saturate(uses: int) -> None:
    """Without the option of the session this fails, but only on x86 processors without VNNI.

    There a model that uses its weights twice cannot be loaded with the option.
    """
    from tests.shared.large_sums import SHARES, WHITE, large_sums

    scores = BACKENDS["onnxruntime"].load(large_sums(uses)).run(WHITE)
    assert np.allclose(scores, SHARES, atol=1 / 127)
