"""`application`: the routes of the server."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from mnist_runtime import __version__
from mnist_runtime.classifier import Classifier
from mnist_runtime.errors import (
    BackendError,
    BlankError,
    MachineError,
    OutputError,
    PictureError,
    ToolkitError,
    UsageError,
    machine_failure,
    printable,
)
from mnist_runtime.preprocess.decode import decode_picture
from mnist_runtime.preprocess.prepare import prepare
from mnist_runtime.reading.answers import classifier_facts, page_facts, prediction_facts
from mnist_runtime.reading.doubtful import DoubtfulPictures
from mnist_runtime.reading.labelling import PictureSorter
from mnist_runtime.reading.page import check_finds, in_rows, read
from mnist_runtime.serving.bounds import Bounded, RequestError, Work
from mnist_runtime.serving.labelling import HEADERS, always, label_routes
from mnist_runtime.serving.openapi import description
from mnist_runtime.serving.page import page_file, page_html, page_title
from mnist_runtime.serving.requests import Access, Picture, picture_of
from mnist_runtime.system.command import warn

__all__ = ["application"]

STATUS: tuple[tuple[type[ToolkitError], int], ...] = (
    (BackendError, 415),
    (MachineError, 503),
    (OutputError, 507),
    (PictureError, 400),
    (UsageError, 400),
)
"""Error -> HTTP status; others are 500."""


def application(
    classifier: Classifier,
    *,
    token: str | None = None,
    doubtful: DoubtfulPictures | None = None,
    sorter: PictureSorter | None = None,
    work: Work | None = None,
    **bounds: Any,
) -> Starlette:
    """Return the ASGI application that classifies pictures.

    Parameters
    ----------
    classifier : Classifier
        The model.
    token : str, optional
        Secret that clients must send. Without it, only requests to localhost are answered.
    doubtful : DoubtfulPictures, optional
        Where to keep pictures with a doubtful answer.
    sorter : PictureSorter, optional
        A folder whose pictures can be labelled.
    work : Work, optional
        The threads that classify.
    **bounds
        Parameters of `Bounded`.
    """
    work = work or Work()
    answers = _Answers(classifier, doubtful, work)
    routes = [
        Route("/", always(answers.page())),
        Route("/classify", answers.classify, methods=["POST"]),
        Route("/read", answers.read, methods=["POST"]),
        Route("/health", answers.health),
        Route("/manifest", answers.manifest),
        Route("/openapi.json", always(JSONResponse(description(classifier.task, with_labelling=sorter is not None)))),
    ]
    if sorter is not None:
        routes += label_routes(sorter, classifier, work)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        work.close()

    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Access, token=token), Middleware(Bounded, **bounds)],
        exception_handlers={
            RequestError: lambda _, error: error.response(),
            ToolkitError: lambda _, error: _refused(error).response(),
            HTTPException: _http_error,
            ClientDisconnect: _broken_off,
            Exception: _bug,
        },
    )


class _Answers:
    """The endpoints of one classifier."""

    def __init__(self, classifier: Classifier, doubtful: DoubtfulPictures | None, work: Work) -> None:
        self._classifier, self._doubtful, self._work = classifier, doubtful, work
        self._facts = classifier_facts(classifier)
        self._lock = threading.Lock()  # for the folder of doubtful pictures
        self._answered = 0

    def page(self) -> Response:
        """Return the page for drawing, which sends the pictures to this server."""
        manifest, task = self._classifier.manifest, self._classifier.task
        interpreter = f"{self._facts['backend']} {self._facts['backend_version'] or ''}".strip()
        facts = [
            ("Model", f"{manifest.name}, {manifest.precision}, {manifest.format}"),
            ("Runs on", f"mnist-runtime {__version__}, {interpreter}"),
            ("Also", "POST /classify and /read, GET /manifest, /health and /openapi.json"),
        ]
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
        text = page_html(page_title(manifest.name, task), f"<script>\n{script}</script>", connect="'self'")
        return HTMLResponse(text, headers=HEADERS)

    async def classify(self, request: Request) -> Response:
        """Return the label of a picture."""
        top = _number(request, "top_k", 1, len(self._classifier.task.labels))
        with_image = _flag(request, "prepared")
        picture = await picture_of(request)
        return JSONResponse(await self._work.run(self._classified, picture, top, with_image))

    def _classified(self, picture: Picture, top: int, with_image: bool) -> dict[str, Any]:
        pixels = decode_picture(*picture)
        found = self._classifier.classify(pixels)
        self._keep(lambda folder: folder.keep(pixels, found))
        facts: dict[str, Any] = prediction_facts(found, top, self._classifier.task)
        if with_image:
            facts["prepared"] = self._prepared(pixels)
        self._answered += 1
        return facts

    def _prepared(self, pixels: npt.NDArray[np.uint8]) -> dict[str, Any] | None:
        """Return the image that the model got; None for a blank picture."""
        try:
            image = prepare(pixels, self._classifier.task)
        except BlankError:
            return None
        height, width, channels = (*image.shape, 1)[:3]
        content = base64.b64encode(image.tobytes()).decode()
        return {"height": height, "width": width, "channels": channels, "base64": content}

    async def read(self, request: Request) -> Response:
        """Return all digits of a picture."""
        check_finds(self._classifier, "POST /read")
        everything = _flag(request, "all")
        picture = await picture_of(request)
        return JSONResponse(await self._work.run(self._read, picture, everything))

    def _read(self, picture: Picture, everything: bool) -> dict[str, Any]:
        pixels = decode_picture(*picture)
        symbols = read(pixels, self._classifier, everything=True)
        self._keep(lambda folder: folder.keep_readings(pixels, symbols))
        found = in_rows(one for one in symbols if everything or one.prediction.label is not None)
        self._answered += 1
        return page_facts(found, pixels, self._classifier.task)

    def _keep(self, keep: Callable[[DoubtfulPictures], object]) -> None:
        """Keep doubtful pictures; if that fails, print a warning and answer anyway."""
        if self._doubtful is None:
            return
        try:
            with self._lock:
                keep(self._doubtful)
        except ToolkitError as error:
            warn(f"warning: {error}")

    async def health(self, _: Request) -> Response:
        """Return that the server works, and the name of its model."""
        model = self._classifier.manifest.name
        return JSONResponse({"status": "ok", "version": __version__, "model": model, "answered": self._answered})

    async def manifest(self, _: Request) -> Response:
        """Return the manifest of the model, and the fields of ``classify --json`` about it."""
        return JSONResponse({**self._facts, "manifest": json.loads(self._classifier.manifest.to_json())})


def _number(request: Request, name: str, usual: int, most: int) -> int:
    """Return a whole number, 1 to `most`, of the query."""
    text = request.query_params.get(name, str(usual))
    if text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= most:
        return int(text)
    raise RequestError(400, f"{name} is {printable(text[:40])!r}, but must be a whole number from 1 to {most:,}.")


def _flag(request: Request, name: str) -> bool:
    """Return whether the query has ``name=true``."""
    text = request.query_params.get(name, "false").lower()
    if text not in ("true", "false"):
        raise RequestError(400, f"{name} is {printable(text[:40])!r}, but must be true or false.")
    return text == "true"


def _refused(error: ToolkitError) -> RequestError:
    """Return the response for an error of the toolkit, with the same message as the command line."""
    error = machine_failure(error) or error
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return RequestError(status, str(error))


def _http_error(_: Request, error: Exception) -> Response:
    """Answer an unknown path or a wrong method."""
    assert isinstance(error, HTTPException)
    message = {
        404: "There is no such path. See /openapi.json.",
        405: "The path needs another method. See /openapi.json.",
    }.get(error.status_code, printable(str(error.detail)))
    return JSONResponse({"error": message}, error.status_code, dict(error.headers or {}))


def _broken_off(_: Request, __: Exception) -> Response:
    """End a request whose client has disconnected, without printing anything."""
    return RequestError(400, "The request was broken off. Send it again.").response()


def _bug(_: Request, error: Exception) -> Response:
    """Answer an unexpected error without its traceback, and print it as a command does."""
    if failure := machine_failure(error):
        return _refused(failure).response()
    warn(f"error: unexpected {type(error).__name__}: {printable(str(error)[:300])}. This is a bug. Please report it.")
    return RequestError(500, "The server has a bug. Its log has the details. Please report it.").response()
