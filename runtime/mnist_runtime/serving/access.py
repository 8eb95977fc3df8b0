"""Who may use the server: this computer, or whoever has the token."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mnist_runtime.serving.bounds import RequestError

__all__ = ["OPEN_PATHS", "Access", "is_loopback"]

OPEN_PATHS = ("/", "/label", "/health")
"""Paths that need no token: the pages, which have no data and send the token themselves, and the state."""


class Access:
    """ASGI middleware that refuses requests without the token, or, if there is none, from other sites.

    A page of another site that is open in a browser can send requests to this computer: directly, which the header
    ``Origin`` shows, or under a name of its own that it has pointed here, which the header ``Host`` shows.

    Parameters
    ----------
    app : callable
        The ASGI application.
    token : str, optional
        The token that ``Authorization: Bearer TOKEN`` must have.
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
    """Return whether only this computer reaches `host`, an address or a name.

    Examples
    --------
    >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "raspberrypi.local")]
    [True, True, True, False, False]
    """
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
