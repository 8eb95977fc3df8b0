"""The two pages of the server: one to draw on, one to label pictures."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mnist_runtime.artifact.task import Task
from mnist_runtime.serving.page import page_file, page_html, page_title

__all__ = ["HEADERS", "always", "draw_page", "label_page"]

HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page itself has the rest
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of a page: browsers do not show it inside another one, store it, or pass on its address."""


def always(response: Response) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that gives the same response to each request."""

    async def endpoint(_: Request) -> Response:
        return response

    return endpoint


def draw_page(name: str, task: Task, facts: list[tuple[str, str]]) -> HTMLResponse:
    """Return the page for drawing; it sends the pictures to this server.

    Parameters
    ----------
    name : str
        The name of the model.
    task : Task
        The task of the model.
    facts : list of (str, str)
        Terms and texts about the model on the page.
    """
    engine = {
        "labels": task.labels,
        "height": task.height,
        "width": task.width,
        "channels": task.channels,
        "preparation": task.preparation,
        "facts": facts,
    }
    # In a script, "</script>" in a label would end it.
    text = json.dumps(engine).replace("<", "\\u003c")
    script = page_file("engine.js").replace("ENGINE_FACTS", text)
    text = page_html(page_title(name, task), f"<script>\n{script}</script>", connect="'self'")
    return HTMLResponse(text, headers=HEADERS)


def label_page() -> HTMLResponse:
    """Return the page for labelling pictures."""
    text = page_file("label.html").replace("@STYLE@", page_file("page.css"))
    return HTMLResponse(text, headers=HEADERS)
