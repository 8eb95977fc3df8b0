"""Each error that names a page of the documentation names one that exists, with its section."""

import re
from collections.abc import Iterator

import pytest

from mnist_exporters import RefusedError
from mnist_exporters.errors import CalibrationError, OperatorError
from mnist_runtime.errors import DOCUMENTATION, SignatureError, ToolkitError
from mnist_runtime.system.command import report_error
from mnist_tools.checkout import ROOT
from mnist_trainer.errors import DataError


def kinds(root: type[ToolkitError] = ToolkitError) -> Iterator[type[ToolkitError]]:
    """Yield all kinds of errors that are imported."""
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def test_every_page_and_section_exists() -> None:
    pages = {kind.page for kind in kinds() if kind.page}
    for kind in (CalibrationError, DataError, OperatorError, RefusedError, SignatureError):
        assert kind.page in pages
    for page in pages:
        path, _, section = page.partition("#")
        titles = re.findall(r"^#+ (.*)$", (ROOT / DOCUMENTATION / path).read_text("utf-8"), re.MULTILINE)
        assert section in {"", *(re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles)}, page


def test_a_command_prints_the_page_and_the_error_itself_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    error = DataError("digits.csv is empty.")
    assert report_error(error) == 6
    assert capsys.readouterr().err == f"error: digits.csv is empty. (see docs/{DataError.page})\n"
    assert str(error) == "digits.csv is empty."
