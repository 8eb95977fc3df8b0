"""Exported C code runs on emulated microcontrollers."""

import shutil
from collections.abc import Callable

import pytest

from mnist_exporters import ExportReport, Precision
from mnist_tools.checkout import ToolError
from mnist_tools.mcu.boards import BOARDS
from mnist_tools.mcu.check import check

EMULATED = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            shutil.which(row.emulator) is None or not row.processor.compiler(),
            reason="QEMU or a compiler is not installed",
        ),
    )
    for name, row in BOARDS.items()
]


@pytest.mark.slow
@pytest.mark.parametrize("board", EMULATED)
def test_every_score_is_that_of_this_machine(exported: Callable[..., ExportReport], board: str) -> None:
    path = exported("tiny", "c", Precision.INT8).path
    assert path is not None
    assert "100 images equal, self-test passed" in check(path, board)


@pytest.mark.slow
@pytest.mark.parametrize("board", EMULATED[:1])
def test_too_much_stack_is_an_error(
    exported: Callable[..., ExportReport], board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = exported("tiny", "c", Precision.INT8).path
    assert path is not None
    monkeypatch.setattr("mnist_tools.mcu.check.STACK_LIMIT", 1000)
    with pytest.raises(ToolError, match="bytes of stack"):
        check(path, board)
