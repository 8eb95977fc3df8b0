"""The page of supported layers."""

from pathlib import Path

import pytest

import mnist_tools
from mnist_exporters.pipeline import diagnosis
from mnist_tools.release import layers as tool
from mnist_tools.release.layer_networks import LAYERS, network

PAGE = Path(mnist_tools.__file__).parents[2] / "docs" / "supported-layers.md"


def test_there_are_forty_layers_and_each_network_is_a_digit_model() -> None:
    assert len(LAYERS) >= 40
    for name in ("Dense", "Conv2D, in groups", "MultiHeadAttention"):
        model = network(name)
        assert (model.input_shape, model.output_shape) == ((None, 28, 28, 1), (None, 10))


def test_the_page_has_a_row_for_each_layer() -> None:
    rows = [line.split(" | ")[0].removeprefix("| ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert rows[2:] == list(LAYERS)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_the_page_is_right(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "SECONDS", 0.0)
    cells, _ = tool.row(name)
    line = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {name} |"))
    assert cells == line.split(" | ")[1:-1]
