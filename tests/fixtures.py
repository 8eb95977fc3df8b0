"""What tests need that need nothing of the workshop; the tests of the installed wheel have this too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run an installed command, or Python, in a process of its own, as a user would."""

    def run(program: str, *arguments: object, **environment: str | None) -> subprocess.CompletedProcess[str]:
        merged = {**os.environ, **environment}
        return subprocess.run(
            [str(Path(sys.executable).with_name(program)), *map(str, arguments)],
            env={key: value for key, value in merged.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def seven() -> np.ndarray:
    """A seven, drawn black on white."""
    paper = np.full((120, 90, 3), 250, np.uint8)
    paper[20:30, 20:70] = 20
    for row in range(30, 100):
        column = 62 - (row - 30) * 30 // 70
        paper[row, column : column + 9] = 20
    return paper
