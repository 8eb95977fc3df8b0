"""The descriptions of processors that programs in a guest read."""

from pathlib import Path

import pytest

from mnist_tools.pi.emulator.boards import BOARDS


@pytest.mark.parametrize("name", BOARDS)
def test_four_cores_are_described_in_the_format_of_linux(name: str, tmp_path: Path) -> None:
    board = BOARDS[name]
    board.write(tmp_path)
    *cores, machine = (tmp_path / "cpuinfo").read_text().strip().split("\n\n")
    described = [dict(line.split(":", 1) for line in core.replace("\t", "").splitlines()) for core in cores]
    assert [int(core["processor"]) for core in described] == [0, 1, 2, 3]
    assert {int(core["CPU part"], 16) for core in described} == {board.part}
    assert {int(core["CPU architecture"]) for core in described} == {8 if board.architecture == "arm64" else 7}
    assert f"Model\t\t: {board.model}" in machine

    cpus = tmp_path / "sys" / "devices" / "system" / "cpu"
    first, last = map(int, (cpus / "possible").read_text().split("-"))
    assert [(cpus / f"cpu{core}").is_dir() for core in range(first, last + 1)] == [True] * len(cores)
    assert (cpus / "present").read_text() == (cpus / "possible").read_text()


def test_only_the_pi_5_has_dot_products() -> None:
    """XNNPACK and onnxruntime choose their kernels by this feature."""
    assert [name for name, board in BOARDS.items() if "asimddp" in board.features.split()] == ["cortex-a76"]
    assert len({(board.part, board.model, board.revision) for board in BOARDS.values()}) == len(BOARDS)
