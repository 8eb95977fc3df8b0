"""The generated reference has every command, option, public name, error and JSON field."""

import doctest
import importlib
from pathlib import Path

import nbformat
import pytest

import mnist_exporters
import mnist_runtime
import mnist_trainer
from mnist_exporters import FORMATS, TARGETS, Precision
from mnist_runtime import BACKENDS, ToolkitError
from mnist_tools.docs import markdown, stage
from mnist_tools.docs.notebook import notebook_page
from mnist_tools.docs.reference._json_probe import FILES, RUNS
from mnist_tools.docs.reference.commands import command_pages
from mnist_tools.docs.reference.facts import fact_pages
from mnist_tools.docs.reference.json_fields import TYPED, json_page, measured_output
from mnist_tools.docs.reference.parsers import all_commands, with_subcommands
from mnist_tools.docs.reference.python_api import api_pages, described_fields

ALL = [each for command in all_commands().values() for each in with_subcommands(command)]


@pytest.mark.parametrize("module", [markdown, stage])
def test_the_examples_are_right(module: object) -> None:
    assert doctest.testmod(module).failed == 0


def test_every_command_and_option_is_described() -> None:
    assert {"mnist-export deploy", "mnist-runtime watch", "mnist-train sweep"} < {command.name for command in ALL}
    text = "".join(command_pages().values())
    for command in ALL:
        assert f"# {command.name}\n" in text
        assert any("--help" in row.names for row in command.parameters)
        for row in command.parameters:
            assert f"`{row.names}`\n:   {row.text[0]}" in text, row
            assert row.text.endswith("."), row
            assert len(row.text) > 5, row


def test_defaults_are_said_once() -> None:
    rows = {(command.name, row.names): row.text for command in ALL for row in command.parameters}
    assert "(default: 127.0.0.1, " in rows["mnist-runtime serve", "--host HOST"]
    assert max(text.count("(default") for text in rows.values()) == 1


def test_every_command_with_json_is_in_the_page_of_fields() -> None:
    with_json = {command.name for command in ALL if any(row.names == "--json" for row in command.parameters)}
    assert with_json == {*RUNS, *TYPED}


@pytest.mark.parametrize("package", [mnist_runtime, mnist_exporters, mnist_trainer])
def test_every_public_name_is_described(package: object) -> None:
    name = package.__name__
    page = api_pages()[f"reference/{name.replace('_', '-')}-python.md"]
    for public in package.__all__:
        assert f"### {public} {{ #{public} }}\n" in page or f"`{public}`" in page, public


def test_signature_parameters_and_errors_of_a_method() -> None:
    page = api_pages()["reference/mnist-runtime-python.md"]
    _, _, entry = page.partition("#### Classifier.load { #Classifier.load }\n")
    entry, _, _ = entry.partition("####")
    assert "    backend: str | None = None,\n" in entry
    assert "`threads` · `int`\n:   Number of threads" in entry
    assert "**Raises**\n\n`ArtifactError`\n:   If" in entry
    grouped = api_pages()["reference/mnist-exporters-python.md"].partition("### export_model {")[2]
    assert "`trust` · `bool`\n:   See `open_session`." in grouped, "each of a group of names has its own type"


def test_the_tables_have_every_row_of_the_code() -> None:
    pages = fact_pages()
    for name in (*FORMATS, *Precision):
        assert f"`{name}`" in pages["reference/formats.md"]
    for name in (*TARGETS, *BACKENDS):
        assert f"`{name}`" in pages["reference/targets.md"]
    for module in ("mnist_runtime.errors", "mnist_trainer.errors", "mnist_exporters.errors"):
        for kind in vars(importlib.import_module(module)).values():
            if isinstance(kind, type) and issubclass(kind, ToolkitError) and kind is not ToolkitError:
                assert f"| {kind.exit_code} | `{kind.__name__}` |" in pages["reference/exit-codes.md"]


def test_fields_of_json() -> None:
    """An object that a class documents has a table of its own; keys that are data are one row."""
    point = {"x": 1, "y": 0.123456, "label": None}
    same = {"best": point, "all": [point], "count": {"CONV_2D": 3}}
    found = dict.fromkeys((*RUNS, *FILES), same)
    described = described_fields() | {"Point": {"x": "Column.", "y": "Row.", "label": "Its ``name``."}}
    page = json_page(found, described)
    assert "| `best` | object, see [Point](#Point) |\n| `all` | list of objects, see [Point](#Point) |" in page
    assert "| `count.*` | `3` |" in page
    assert page.count("## Point { #Point }") == 1
    assert "| `y` | `0.1235` | Row. |\n| `label` | `null` here | Its `name`. |" in page
    assert described["ExportReport"].keys() > {"sha256", "parity"}
    assert "scores" not in described["ExportReport"], "an array"
    assert "| `self_test` | " in page, "fields of a command that cannot run here"


def test_a_notebook_becomes_a_page_with_its_outputs(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell("print(7)")
    cell.outputs = [
        nbformat.v4.new_output("stream", text="\x1b[31m7\x1b[0m"),
        nbformat.v4.new_output("stream", text=" is sure\n"),
        nbformat.v4.new_output("display_data", data={"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}),
    ]
    notebook.cells = [nbformat.v4.new_markdown_cell("# Title"), cell]
    nbformat.write(notebook, tmp_path / "book.ipynb")
    page = notebook_page(tmp_path / "book.ipynb", tmp_path)
    assert page.startswith("# Title\n\n```python\nprint(7)\n```\n\n```text\n7 is sure\n```\n\n![")
    assert (tmp_path / "book-pictures" / "1-1.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_commands_print_what_the_page_shows() -> None:
    found = measured_output()
    page = json_page(found, described_fields())
    assert "| `drop_upper_95` | " in page
    assert "| `original.accuracy` | `0.9787` |" in page
    for title in (*RUNS, *FILES):
        assert found[title], title
