"""Limits on sizes, times and numbers of requests, so that no client can block the others."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import anyio
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MOST_BODY", "MOST_THREADS", "Bounded", "RequestError", "Work"]

MOST_BODY = 16 << 20
"""Bytes of one request. A photograph of 50 million pixels has about as many."""
MOST_HELD = 4 * MOST_BODY
"""Bytes in memory, of all requests that are received or wait for an answer."""
MOST_WAITING = 128
"""Pictures that wait for an answer or are classified."""
BODY_SECONDS = 20.0
"""Seconds to send one request."""
REQUEST_SECONDS = 60.0
"""Seconds from the headers of a request to the end of its answer."""
MOST_THREADS = min(4, os.cpu_count() or 1)
"""Pictures that are answered at the same time."""

Result = TypeVar("Result")


class RequestError(Exception):
    """A request is rejected with a message.

    Parameters
    ----------
    status : int
        HTTP status, 400 or above.
    message : str
        What is wrong and what to do.
    **headers : str
        Headers of the response, with ``_`` for ``-``.
    """

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> Response:
        """Return the message as JSON."""
        return JSONResponse({"error": str(self)}, self.status, self.headers)


class Work:
    """A thread pool with a bounded queue.

    Parameters
    ----------
    threads : int
        Number of threads.
    most : int
        Number of pictures in the queue and in the threads.
    """

    def __init__(self, threads: int = MOST_THREADS, most: int = MOST_WAITING) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="answers")
        self._free = threading.Semaphore(most)

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Run a function in a thread.

        Raises
        ------
        RequestError
            If the queue is full.
        """
        if not self._free.acquire(blocking=False):
            raise RequestError(503, "The server has too much to do. Try again in a second.", retry_after="1")
        # A thread cannot be stopped: its place is free when it ends, not when the client disconnects.
        future = self._pool.submit(function, *arguments)
        future.add_done_callback(lambda _: self._free.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drop waiting pictures, and wait for the running ones."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class Bounded:
    """ASGI middleware that limits the size and time of each request, and the bytes of all requests together.

    Parameters
    ----------
    app : callable
        The ASGI application.
    most_body, most_held : int
        Bytes of one request and of all.
    body_seconds, request_seconds : float
        Time to receive a request, and to receive and answer it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most_body: int = MOST_BODY,
        most_held: int = MOST_HELD,
        body_seconds: float = BODY_SECONDS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._app = app
        self._most_body, self._most_held = most_body, most_held
        self._body_seconds, self._request_seconds = body_seconds, request_seconds
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application within the bounds."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = scope.get("state", {}).get("connection")  # see `serving.server`
        if connection is not None:
            connection.begin()
        request = _Request(self, receive, send)
        try:
            request.check_length(scope)
            with anyio.move_on_after(self._request_seconds) as limit:
                await self._app(scope, request.receive, request.send)
            if limit.cancelled_caught and not request.is_answered:
                raise RequestError(
                    503, f"The answer took more than {self._request_seconds:g} seconds. Send a smaller picture."
                )
        except RequestError as refusal:
            await refusal.response()(scope, receive, send)
        finally:
            self._held -= request.size
            if connection is not None:
                connection.end()

    def hold(self, size: int) -> None:
        """Count bytes of a request; raise a `RequestError` if all requests together have too many."""
        if self._held + size > self._most_held:
            raise RequestError(503, "The server receives too many bytes. Try again in a second.", retry_after="1")
        self._held += size

    def check_size(self, size: int) -> None:
        """Raise a `RequestError` if one request is too large."""
        if size > self._most_body:
            raise RequestError(413, f"The request has more than {self._most_body:,} bytes. Send a smaller picture.")

    def time_to_receive(self) -> anyio.CancelScope:
        """Return a scope that limits the time to receive a request."""
        return anyio.move_on_after(self._body_seconds)

    def too_slow(self) -> RequestError:
        """Return the error for a request that was not received in time."""
        return RequestError(408, f"The request took more than {self._body_seconds:g} seconds to arrive. Send it again.")


class _Request:
    """Receive one request and send its answer, within the limits."""

    def __init__(self, bounds: Bounded, receive: Receive, send: Send) -> None:
        self._bounds, self._receive, self._send = bounds, receive, send
        self._deadline: float | None = None
        self._is_complete = False
        self.size = 0
        self.is_answered = False

    def check_length(self, scope: Scope) -> None:
        """Reject a request whose headers state that it is too large, before it is received."""
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit():
            self._bounds.check_size(int(length[:20]))

    async def receive(self) -> Message:
        """Receive a part of the request; after its last part, wait until the connection ends."""
        if self._is_complete:
            return await self._receive()
        with self._bounds.time_to_receive() as limit:
            self._deadline = limit.deadline = self._deadline or limit.deadline  # one for all parts
            message = await self._receive()
            size = len(message.get("body", b""))
            self._bounds.check_size(self.size + size)
            self._bounds.hold(size)
            self.size += size
            self._is_complete = not message.get("more_body", False)
            return message
        raise self._bounds.too_slow()

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        self.is_answered = True
        await self._send(message)
