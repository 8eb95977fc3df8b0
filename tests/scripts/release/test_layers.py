"""The page of supported layers."""

from pathlib import Path

import pytest

import mnist_tools
from mnist_exporters import Precision
from mnist_exporters.formats.c.lower import LOWERINGS, SHAPES
from mnist_exporters.spec.treatment import HIGHER
from mnist_runtime.backends.numpy_int8.backend import OPERATORS
from mnist_tools.release.layers import table as tool
from mnist_tools.release.layers.networks import LAYERS, network

PAGE = Path(mnist_tools.__file__).parents[2] / "docs" / "reference" / "supported-layers.md"


def test_there_are_forty_layers_and_each_network_is_a_digit_model() -> None:
    assert len(LAYERS) >= 40
    for name in ("Dense", "Conv2D, in groups", "MultiHeadAttention"):
        model = network(name)
        assert (model.input_shape, model.output_shape) == ((None, 28, 28, 1), (None, 10))


def test_the_page_begins_as_the_tool_writes_it() -> None:
    assert PAGE.read_text("utf-8").startswith(tool.INTRODUCTION)


def test_pages_name_the_floats_of_repaired_int8_files() -> None:
    """The repair "costliest layer in float32" leaves a layer of an int8 file in floats."""
    assert HIGHER["tflite", Precision.INT8] == "float32"
    for page in (PAGE, PAGE.with_name("artifact.md")):
        statements = [part for part in " ".join(page.read_text("utf-8").split()).split(". ") if "integers only" in part]
        assert all("repair" in statement for statement in statements), statements
    assert "a repair of the export keeps in float32" in " ".join(tool.INTRODUCTION.split())


def test_numpy_has_the_operators_of_the_c_code() -> None:
    assert "mnist-runtime runs int8 `.tflite` files on NumPy alone" in tool.INTRODUCTION
    assert {*LOWERINGS, *SHAPES, "RESHAPE"} == set(OPERATORS)


def test_the_page_has_a_row_for_each_layer() -> None:
    rows = [line.split(" | ")[0].removeprefix("| ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert rows[2:] == list(LAYERS)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_the_page_is_right(name: str) -> None:
    cells, _ = tool.row(name)
    line = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {name} |"))
    assert cells == line.split(" | ")[1:-1]


def test_columns_of_one_format_replace_those_of_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(tool.table({name: (["yes"] * len(tool.PAIRS), ["WHILE"]) for name in LAYERS}))
    wanted = [pair for pair in tool.PAIRS if pair[0] == "c"]
    monkeypatch.setattr(tool, "row", lambda _, pairs: (["no"] * len(pairs), ["TANH"]))
    tool.main(["--format", "c"], page)
    lines = page.read_text().splitlines()
    cells = ["no" if pair in wanted else "yes" for pair in tool.PAIRS]
    assert f"| Dense | {' | '.join(cells)} | TANH; WHILE |" in lines
    assert page.read_text().startswith(tool.INTRODUCTION)
