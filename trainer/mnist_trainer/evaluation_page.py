"""`evaluation_page`: evaluations side by side, as one page that needs no network."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mnist_trainer.assessment import Assessment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["evaluation_page"]


def evaluation_page(assessed: Sequence[Assessment], figures: Sequence[dict[str, Figure]]) -> str:
    """Return the page.

    Parameters
    ----------
    assessed : sequence of Assessment
        The models; their names are escaped.
    figures : sequence of dict
        One a model: title -> picture.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mnist_trainer", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = [{title: _address(figure) for title, figure in drawn.items()} for drawn in figures]
    page: str = environment.get_template("evaluation.html.jinja").render(
        models=list(zip(assessed, pictures, strict=True)),
        robust=[one for one in assessed if one.robustness],
    )
    return page


def _address(figure: Figure) -> str:
    """Return a picture as the address of a PNG inside the page."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
