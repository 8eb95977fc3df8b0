"""Evaluations side by side as one HTML page, with pictures and a JSON file."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mnist_runtime.system.atomic import atomic_files
from mnist_trainer.evaluation.domains import Domains
from mnist_trainer.evaluation.evaluate import Evaluation
from mnist_trainer.evaluation.pages.html import html_environment, png_address
from mnist_trainer.evaluation.robustness import Robustness

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ModelReport", "evaluation_page", "reports_as_json", "write_report"]


class ModelReport(NamedTuple):
    """The results of one model.

    Parameters
    ----------
    name : str
        Name or path, as on the command line.
    evaluation : Evaluation
        Results on the test images.
    robustness : Robustness or None
        Results on corrupted and non-digit images; None if not measured.
    domains : Domains or None
        Results on digits of other people and machines; None if not measured.
    """

    name: str
    evaluation: Evaluation
    robustness: Robustness | None
    domains: Domains | None = None

    def as_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON."""
        robustness = {"robustness": self.robustness.as_dict()} if self.robustness else {}
        domains = {"domains": self.domains.as_dict()} if self.domains else {}
        return {"model": self.name, **self.evaluation.as_dict(), **robustness, **domains}


def reports_as_json(reports: Sequence[ModelReport]) -> str:
    """Return one JSON object with the results of all models."""
    return json.dumps({"models": [one.as_dict() for one in reports]}, indent=2)


def evaluation_page(reports: Sequence[ModelReport], pictures: Sequence[dict[str, bytes]]) -> str:
    """Return the HTML page.

    Parameters
    ----------
    reports : sequence of ModelReport
        The models.
    pictures : sequence of dict
        Figures of each model: title -> PNG file.
    """
    addresses = [{title: png_address(png) for title, png in pngs.items()} for pngs in pictures]
    template = html_environment("mnist_trainer", "evaluation").get_template("report.html.jinja")
    return template.render(
        models=list(zip(reports, addresses, strict=True)),
        robust=[one for one in reports if one.robustness],
        elsewhere=[one for one in reports if one.domains],
    )


def write_report(reports: Sequence[ModelReport], folder: Path) -> None:
    """Write ``evaluation.html``, ``evaluation.json`` and every figure as a ``.png`` into `folder`.

    Raises
    ------
    OutputError
        If they cannot be written; the files of an earlier report are then unchanged.
    """
    from mnist_trainer.evaluation.pages.figures import FIGURES

    pictures = [{title: _png(draw(one.evaluation)) for title, draw in FIGURES.items()} for one in reports]
    with atomic_files(folder) as staged:
        for number, (one, pngs) in enumerate(zip(reports, pictures, strict=True), start=1):
            for title, png in pngs.items():
                (staged / f"{number}-{Path(one.name).stem}-{title}.png").write_bytes(png)
        (staged / "evaluation.html").write_text(evaluation_page(reports, pictures), encoding="utf-8")
        (staged / "evaluation.json").write_text(reports_as_json(reports) + "\n", encoding="utf-8")


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
