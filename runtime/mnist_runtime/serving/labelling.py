"""The routes of the page on which pictures are labelled."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from mnist_runtime.classifier import Classifier
from mnist_runtime.errors import PictureError, UsageError, printable
from mnist_runtime.preprocess.decode import pillow_image, read_picture
from mnist_runtime.reading.answers import prediction_facts
from mnist_runtime.reading.labelling import PictureSorter
from mnist_runtime.serving.bounds import Work
from mnist_runtime.serving.page import page_file

__all__ = ["HEADERS", "always", "label_routes"]

LARGEST = 1024
"""Longer side, in pixels, of a picture that is shown."""
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page itself has the rest
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of a page: browsers do not embed it in another page, store it, or send its address as referrer."""


def always(response: Response) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that gives the same response to each request."""

    async def endpoint(_: Request) -> Response:
        return response

    return endpoint


def label_routes(sorter: PictureSorter, classifier: Classifier, work: Work) -> list[Route]:
    """Return the routes for one folder of pictures."""

    async def waiting(request: Request) -> Response:
        """Return the first picture after the one in the query, and how many are left."""
        after = request.query_params.get("after", "")
        return JSONResponse(await work.run(_next_picture, sorter, classifier, after))

    async def picture(request: Request) -> Response:
        content = await work.run(_as_png, sorter, request.query_params.get("name", ""))
        return Response(content, media_type="image/png")

    async def move(request: Request) -> Response:
        name, label = _name_and_label(await request.body())
        path = await work.run(sorter.move, name, label)
        file = printable(path.relative_to(sorter.folder).as_posix())
        return JSONResponse({"name": name, "label": label, "file": file})

    async def undo(_: Request) -> Response:
        return JSONResponse({"name": await work.run(sorter.undo)})

    page = page_file("label.html").replace("@STYLE@", page_file("page.css"))
    return [
        Route("/label", always(HTMLResponse(page, headers=HEADERS))),
        Route("/label/next", waiting),
        Route("/label/picture", picture),
        Route("/label/move", move, methods=["POST"]),
        Route("/label/undo", undo, methods=["POST"]),
    ]


def _next_picture(sorter: PictureSorter, classifier: Classifier, after: str) -> dict[str, Any]:
    """Return the next picture with its answer; `problem` says why it cannot be read."""
    files = sorter.waiting()
    name = next((name for name in files if name > after), None)
    facts: dict[str, Any] = {"left": len(files), "labels": sorter.labels, "name": name}
    if name is None:
        return facts
    try:
        found = classifier.classify(read_picture(files[name]))
    except PictureError as error:
        return {**facts, "problem": str(error)}
    return {**facts, **prediction_facts(found, 3, classifier.task)}


def _as_png(sorter: PictureSorter, name: str) -> bytes:
    """Return a picture in a form that every browser shows, whatever its file is."""
    image = pillow_image(read_picture(sorter.path(name)))
    image.thumbnail((LARGEST, LARGEST))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def _name_and_label(body: bytes) -> tuple[str, str | None]:
    try:
        facts = json.loads(body)
        name, label = facts["name"], facts["label"]
        if isinstance(name, str) and (label is None or isinstance(label, str)):
            return name, label
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise UsageError('The request must be JSON: {"name": FILE, "label": LABEL or null}.')
