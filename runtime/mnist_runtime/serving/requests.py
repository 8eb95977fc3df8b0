"""Check that a request comes from this computer or has the token, and receive its picture."""

from __future__ import annotations

import hmac
import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

from python_multipart.exceptions import FormParserError
from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from mnist_runtime.errors import printable
from mnist_runtime.serving.bounds import RequestError

__all__ = ["OPEN_PATHS", "Access", "Picture", "is_loopback", "picture_of"]

OPEN_PATHS = ("/", "/label", "/health")
"""Paths that need no token: the pages, which have no data and send the token, and the health check."""
MOST_FIELDS = 10
"""Fields of a form."""
LONGEST_NAME = 100
"""Characters of a file's name in messages."""


class Access:
    """ASGI middleware that rejects requests from other sites or without the token.

    A page of another site that is open in a browser can send requests to this computer: directly, which the header
    ``Origin`` shows, or by DNS rebinding under its own name, which the header ``Host`` shows. So without a token,
    ``Host`` must be localhost.

    Parameters
    ----------
    app : callable
        The ASGI application.
    token : str, optional
        The token, sent as ``Authorization: Bearer TOKEN``.
    """

    def __init__(self, app: ASGIApp, *, token: str | None) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on an allowed request."""
        if scope["type"] == "http" and (refusal := self._refusal(scope["path"], Headers(scope=scope))):
            await refusal.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, path: str, headers: Headers) -> RequestError | None:
        host = headers.get("host", "")
        if (origin := headers.get("origin")) is not None and _netloc(origin) != host:
            return RequestError(403, f"A page of {origin} may not use this server.")
        if self._token is None:
            if is_loopback(_name(host)):
                return None
            return RequestError(403, "The server answers to localhost only. For other names, start it with --token.")
        if path in OPEN_PATHS or hmac.compare_digest(_bearer(headers).encode(), self._token.encode()):
            return None
        return RequestError(
            401, "The token is missing or wrong. Send it as: Authorization: Bearer TOKEN", www_authenticate="Bearer"
        )


def is_loopback(host: str) -> bool:
    """Return whether only this computer reaches `host`, an address or a name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _netloc(url: str) -> str | None:
    """Return host and port of an origin, or None for ``null`` and anything else."""
    try:
        return urlsplit(url).netloc or None
    except ValueError:
        return None


def _name(host: str) -> str:
    """Return the header ``Host`` without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _bearer(headers: Headers) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


class Picture(NamedTuple):
    """The content of a picture file.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Its name, for messages.
    """

    content: bytes
    name: str


async def picture_of(request: Request) -> Picture:
    """Receive the picture of a request: the whole body, or the only file of ``multipart/form-data``.

    Raises
    ------
    RequestError
        If there is none, or more than one, or the form is damaged.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/"):
        content = await request.body()
        if not content:
            raise RequestError(400, "The request has no picture. Send the file as the body, or in a form (multipart).")
        return Picture(content, "the picture")
    try:
        async with request.form(max_files=MOST_FIELDS, max_fields=MOST_FIELDS) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if len(files) != 1:
                raise RequestError(400, f"The form has {len(files)} files, but one picture is needed.")
            name = printable((files[0].filename or "the picture")[:LONGEST_NAME])
            return Picture(await files[0].read(), name)
    except (HTTPException, FormParserError) as error:  # the second from old Starlette
        problem = printable(str(getattr(error, "detail", error))[:200])
        raise RequestError(400, f"The form is damaged ({problem}). Send it again.") from error
