"""The backend for ONNX files."""

import numpy as np
import pytest

from mnist_runtime import BACKENDS
from mnist_runtime.errors import MachineError

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


def test_a_lack_of_memory_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def starved(_: bytes) -> object:
        raise RuntimeError("std::bad_alloc")

    monkeypatch.setattr("mnist_runtime.backends.onnx.open_session", starved)
    with pytest.raises(MachineError):
        BACKENDS["onnxruntime"].load(b"", (28, 28, 1))
