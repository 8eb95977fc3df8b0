"""The interpreter probe gives the scores of the runtime, as integers and as real numbers."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime import Classifier
from mnist_runtime.device.self_test import SCORE_BOUNDS
from mnist_tools.checkout import environment, module

EXACT = 1e-6
BOUNDS = {
    "numpy": EXACT,
    "litert-reference": EXACT,
    "litert": SCORE_BOUNDS["int8"],
    "litert-without-xnnpack": SCORE_BOUNDS["int8"],
}
"""Interpreter -> largest difference allowed between its scores and those of the NumPy backend."""


@pytest.mark.parametrize("name", BOUNDS)
def test_integer_and_real_scores(name: str, ready: dict[str, Path], golden: np.ndarray, tmp_path: Path) -> None:
    images, scores = tmp_path / "images.npy", tmp_path / "scores.npy"
    np.save(images, golden)
    expected = Classifier.load(ready["tflite"], backend="numpy").predict_proba(golden)

    def probe(*options: str) -> str:
        command = module("mnist_tools.studies.interpreter_probe", name, ready["tflite"], images, scores, *options)
        return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout

    probe()
    np.testing.assert_allclose(np.load(scores) / 256, expected, atol=BOUNDS[name])
    if name != "numpy":
        types = json.loads(probe(str(1 / 255)))
        assert types["input"][0] == types["output"][0] == "uint8"
        np.testing.assert_allclose(np.load(scores), expected, atol=BOUNDS[name])
