"""`serve`: run the application on a socket until a signal, with time limits for idle connections."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from mnist_runtime.errors import UsageError
from mnist_runtime.serving.bounds import REQUEST_SECONDS

__all__ = ["listen", "running", "serve", "url_of"]

MOST_CONNECTIONS = 256
"""Connections at the same time; below the usual limit of open files, 1,024."""
HEADER_SECONDS = 10.0
"""Seconds from the start of a connection, or the last answer, to the headers of the next request."""
KEPT_SECONDS = 5
"""Seconds for which a connection stays open without a request."""
STOP_SECONDS = 10
"""Seconds for requests to end after a signal."""


class _Connection(H11Protocol):
    """A connection that is closed if it sends no request, or does not take its answer, in time.

    uvicorn itself waits for headers for ever. Its parser h11 bounds their size; httptools does not.
    """

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)
        # Connections of this server without a request, the oldest first.
        self._idle: dict[_Connection, None] = app_state.setdefault("idle", {})
        self._timer: asyncio.TimerHandle | None = None
        self._is_lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start. If there are too many connections, close the oldest without a request, or this one."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            next(iter(self._idle), self).transport.abort()
        self.end()

    def begin(self) -> None:
        """Start the time limit of a request; called by `Bounded`."""
        self._idle.pop(self, None)
        self._end_after(REQUEST_SECONDS + STOP_SECONDS)

    def end(self) -> None:
        """Start the time limit for the next request."""
        if not self.transport.is_closing():
            self._idle[self] = None
        self._end_after(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time limits."""
        self._idle.pop(self, None)
        self._is_lost = True
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _end_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._is_lost:
            self._timer = self.loop.call_later(seconds, self.transport.abort)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises
    ------
    UsageError
        If the name is unknown, or the port is in use or reserved.
    """
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        # With the protocol 0, as `socket.create_server` has it, asyncio would not set TCP_NODELAY: 40 ms an answer.
        listening = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere two servers could share the port
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(MOST_CONNECTIONS)
        except BaseException:
            listening.close()
            raise
        return listening
    except (OSError, UnicodeError, OverflowError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition(" (")[0]  # Python adds the address
        raise UsageError(
            f"Cannot listen at {host}, port {port} ({reason}). Choose another --port or --host."
        ) from error


def url_of(listening: socket.socket, token: str | None = None) -> str:
    """Return the address of the page."""
    host, port, *_ = listening.getsockname()
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"#token={quote(token, '')}" if token else "")


def serve(app: Starlette, listening: socket.socket, started: Callable[[], None]) -> None:
    """Answer requests until SIGINT or SIGTERM, then finish those that are in progress.

    Parameters
    ----------
    app : Starlette
        The application.
    listening : socket
        See `listen`.
    started : callable
        Called once the server accepts requests.
    """
    with _signals_end_without_error():
        running(app, started).run(sockets=[listening])


def running(app: Starlette, started: Callable[[], None]) -> uvicorn.Server:
    """Return the server of an application; its `serve` runs it until `should_exit` is true."""
    config = uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEPT_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    # A line for each broken request would fill the disk.
    for name in ("uvicorn", "uvicorn.error", "asyncio", "python_multipart"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return _Server(config, started)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call `started`."""
        await super().startup(sockets=sockets)
        self._started()


@contextlib.contextmanager
def _signals_end_without_error() -> Iterator[None]:
    """Ignore the signals that uvicorn raises again after it has stopped because of them."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
