"""`evaluation_page`: evaluations side by side, as one page that needs no network."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mnist_trainer.evaluation.evaluate import Evaluation
from mnist_trainer.evaluation.robustness import Robustness

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ModelReport", "evaluation_page"]


def evaluation_page(assessed: Sequence[ModelReport], figures: Sequence[dict[str, Figure]]) -> str:
    """Return the page.

    Parameters
    ----------
    assessed : sequence of ModelReport
        The models; their names are escaped.
    figures : sequence of dict
        One a model: title -> picture.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mnist_trainer", "evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = [{title: _address(figure) for title, figure in drawn.items()} for drawn in figures]
    page: str = environment.get_template("report.html.jinja").render(
        models=list(zip(assessed, pictures, strict=True)),
        robust=[one for one in assessed if one.robustness],
    )
    return page


def _address(figure: Figure) -> str:
    """Return a picture as the address of a PNG inside the page."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


class ModelReport(NamedTuple):
    """What is known of one model.

    Parameters
    ----------
    name : str
        As on the command line.
    evaluation : Evaluation
        On the test images as they are.
    robustness : Robustness or None
        Off the beaten path; None if it was not asked for.
    """

    name: str
    evaluation: Evaluation
    robustness: Robustness | None

    def as_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON."""
        off_the_path = {"robustness": self.robustness.as_dict()} if self.robustness else {}
        return {"model": self.name, **self.evaluation.as_dict(), **off_the_path}
