"""`page_html`: the page on which users draw a picture and see the answer of an engine.

An engine is a JavaScript object that classifies; see docs/explanation/architecture.md. Its script ends with
``startPage(engine)``.
"""

from __future__ import annotations

import html
import pkgutil
import re

from mnist_runtime.artifact.task import Task

__all__ = ["page_file", "page_html", "page_title"]


def page_title(name: str, task: Task) -> str:
    """Return the heading of the page of a model."""
    return "Draw a digit" if task.digits == tuple(range(10)) else f"{name}: draw a picture"


def page_html(title: str, engine: str, *, head: str = "", connect: str = "'none'") -> str:
    """Return the page as one text, which needs no other file.

    Parameters
    ----------
    title : str
        Its heading.
    engine : str
        HTML with the script of the engine, and what else that script needs.
    head : str, optional
        HTML for the head of the page.
    connect : str, optional
        Where its scripts may connect to, as in a content security policy: ``"'none'"`` or ``"'self'"``.
    """
    parts = {
        "@CONNECT@": connect,
        "@HEAD@": head,
        "@TITLE@": html.escape(title),
        "@STYLE@": page_file("page.css"),
        "@ENGINE@": f"<script>\n{page_file('page.js')}</script>\n{engine}",
    }
    # In one pass, since a title may contain such a mark.
    return re.sub("@[A-Z]+@", lambda mark: parts[mark[0]], page_file("page.html"))


def page_file(name: str) -> str:
    """Return the text of a file of this folder."""
    content = pkgutil.get_data("mnist_runtime.serving.page", name)
    assert content is not None  # only loaders that cannot read data return None
    return content.decode()
