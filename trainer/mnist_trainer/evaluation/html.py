"""Building blocks of the HTML reports of the trainer and the exporters: pages that need no network and no script."""

from __future__ import annotations

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["html_environment", "png_address"]


def html_environment(package: str, folder: str) -> Environment:
    """Return a jinja2 environment for the templates in `folder` of `package`.

    Every value is escaped, since names of models and files come from the user. A missing value is an error.
    """
    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def png_address(content: bytes) -> str:
    """Return the ``data:`` address that holds a PNG file inside the page."""
    return "data:image/png;base64," + base64.b64encode(content).decode()
