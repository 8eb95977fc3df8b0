"""Functions for the HTML reports of the trainer and the exporters. The pages need no network and no script."""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from PIL import Image

__all__ = ["html_environment", "picture_address", "png_address"]

FOLDER = "evaluation/pages/templates"


def html_environment(package: str = "mnist_trainer", folder: str = FOLDER) -> Environment:
    """Return a jinja2 environment for the templates in `folder` of `package` and the templates that all pages share.

    Every value is escaped, because names of models and files come from the user. A missing value raises an error.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, folder), PackageLoader("mnist_trainer", FOLDER)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "thousands": "{:,}".format}
    return environment


def _percent(fraction: float, digits: int = 2) -> str:
    return f"{fraction * 100:.{digits}f}\u00a0%"


def png_address(content: bytes) -> str:
    """Return a ``data:`` URL with the content of a PNG file, to embed it in a page."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


def picture_address(image: npt.NDArray[np.uint8]) -> str:
    """Return a ``data:`` URL of an image, uint8 (h, w) or (h, w, 3), as PNG."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG", optimize=True)
    return png_address(content.getvalue())
