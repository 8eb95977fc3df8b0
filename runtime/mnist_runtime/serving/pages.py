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
"""Headers of a page: it is not shown inside another one, not kept, and its address is not passed on."""


def always(response: Response) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that gives the same response to each request."""

    async def endpoint(_: Request) -> Response:
        return response

    return endpoint


def draw_page(name: str, task: Task, facts: list[tuple[str, str]]) -> HTMLResponse:
    """Return the page on which one draws; it asks this server.

    Parameters
    ----------
    name : str
        The name of the model.
    task : Task
        What it reads.
    facts : list of (str, str)
        What the page says about the model.
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
    """Return the page on which one labels pictures."""
    text = page_file("label.html").replace("@STYLE@", page_file("page.css"))
    return HTMLResponse(text, headers=HEADERS)
