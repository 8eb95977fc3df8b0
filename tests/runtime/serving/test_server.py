"""The server as a process: its start, its end, and clients that are slow or broken."""

import contextlib
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("python_multipart")

from mnist_runtime.serving.requests import is_loopback
from mnist_runtime.serving.server import listen, url_of

SEVEN = Path(__file__).parents[3] / "examples" / "seven.png"
REQUEST = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
FORM = REQUEST.replace(b"Host", b"Content-Type: multipart/form-data; boundary=b\r\nHost")


class Server(NamedTuple):
    process: subprocess.Popen[str]
    port: int
    line: str

    def ask(self, method: str = "GET", path: str = "/health", body: bytes | None = None) -> dict[str, object]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body)
            return json.loads(connection.getresponse().read())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)


@contextlib.contextmanager
def started(*options: object, **variables: str) -> Iterator[Server]:
    command = Path(sys.executable).with_name("mnist-runtime")
    with subprocess.Popen(
        [command, "serve", "--port", "0", *map(str, options)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.search(r"http://[^:]+:(\d+)/", line)
            assert found is not None, line
            yield Server(process, int(found[1]), line)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with started() as server:
        yield server


def test_broken_clients_do_not_disturb_others(server: Server) -> None:
    """Each sends something else and goes away, some with a reset. Nothing is printed."""
    content = SEVEN.read_bytes()
    for sent in (
        b"",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET " + bytes(range(256)),
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000,
        b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST /classify HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        REQUEST % (len(content) + 9) + content,
        FORM % 9 + b"no form..",
        FORM % 99 + b"--b\r\nContent-Disposition: form-data\r\n\r\n",
        REQUEST % len(content) + content,
    ):
        for with_reset in (False, True):
            with server.connect() as client, contextlib.suppress(ConnectionError):
                if with_reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.sendall(sent)
    assert server.ask("POST", "/classify", content)["label"] == "7"
    assert server.process.poll() is None
    assert select.select([server.process.stderr], [], [], 0.1)[0] == []


def test_a_crowd_of_silent_clients_does_not_keep_others_out(server: Server) -> None:
    """More than the server keeps: the oldest silent ones are dropped."""
    content = SEVEN.read_bytes()
    with contextlib.ExitStack() as stack:
        busy = stack.enter_context(server.connect())
        busy.sendall(REQUEST % len(content) + content[:1000])
        assert server.ask()["status"] == "ok"  # so the server has read what the busy one has sent
        silent = [stack.enter_context(server.connect()) for _ in range(300)]
        for client in silent[::2]:
            with contextlib.suppress(ConnectionError):
                client.sendall(b"GET / HTTP/1.1\r\nHo")
        for _ in range(3):
            assert server.ask("POST", "/classify", content)["label"] == "7"
        busy.sendall(content[1000:])
        assert busy.recv(1 << 16).startswith(b"HTTP/1.1 200"), "the oldest of all, but not silent"


def test_several_requests_in_one_connection_are_answered(server: Server) -> None:
    content = SEVEN.read_bytes()
    with server.connect() as client:
        client.sendall((REQUEST % len(content) + content) * 3)
        received = b""
        while received.count(b'"label":"7"') < 6:
            part = client.recv(1 << 16)
            assert part, received
            received += part


@pytest.mark.parametrize("name", ["SIGTERM", pytest.param("SIGINT", marks=pytest.mark.slow)])
def test_a_signal_lets_requests_end_and_gives_exit_code_0(name: str, tmp_path: Path) -> None:
    """With a token from the environment, which the printed addresses have, and a folder that is created."""
    content, token = SEVEN.read_bytes(), "0123456789-abcdef"
    folder = tmp_path / "new"
    head = REQUEST.replace(b"Host", f"Authorization: Bearer {token}\r\nHost".encode())
    options = ("--host", "0.0.0.0", "--label", folder, "--keep-doubtful", folder, "--doubtful-below", 1)
    with started(*options, MNIST_TOKEN=token) as server, server.connect() as client, server.connect():
        assert f"http://{socket.gethostname()}:{server.port}/#token={token} " in server.line
        assert f":{server.port}/label#token={token} " in server.line
        client.sendall(head % len(content) + content[:1000])
        assert str(server.ask("GET", "/manifest")["error"]).startswith("The token is missing or wrong.")
        threading.Timer(0.3, client.sendall, [content[1000:]]).start()
        server.process.send_signal(getattr(signal, name))
        assert b'"label":"7"' in b"".join(iter(lambda: client.recv(1 << 16), b""))
        assert server.process.wait(60) == 0
        assert server.process.stderr is not None
        assert server.process.stderr.read() == "stopped\n"
    assert len(list(folder.glob("*_7_*.png"))) == 1, "the doubtful picture"


def test_answers_are_sent_at_once() -> None:
    """asyncio sets TCP_NODELAY on connections of this protocol only; without it, an answer takes 40 ms more."""
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_the_address_has_brackets_for_the_sixth_version_and_any_token() -> None:
    class Listening(socket.socket):
        def getsockname(self) -> tuple[str, int, int, int]:
            return "::1", 8000, 0, 0

    with Listening() as listening:
        assert url_of(listening) == "http://[::1]:8000/"
        assert url_of(listening, "a+b/#&%41=") == "http://[::1]:8000/#token=a%2Bb%2F%23%26%2541%3D"


@pytest.mark.slow
def test_silent_and_slow_clients_are_dropped(server: Server) -> None:
    """After 10 seconds without headers; after 20 of a body; a client that does not read its answer, after 70."""
    with server.connect() as silent, server.connect() as partial, server.connect() as slow:
        begun = time.monotonic()
        partial.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        slow.sendall(REQUEST % 1000 + b"x")
        for client in (silent, partial):
            with contextlib.suppress(ConnectionError):
                assert client.recv(100) == b""
        assert 8 < time.monotonic() - begun < 40
        assert b"408" in slow.recv(1000)
    assert server.ask()["status"] == "ok"


def test_options_are_checked(
    here: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def error(*options: object) -> str:
        done = here("mnist-runtime", "serve", *options)
        assert done.returncode == 2
        return done.stderr

    assert "--host 0.0.0.0 needs a token, or anybody on the network could use the server." in error("--host", "0.0.0.0")
    assert "--host ::" in error("--host", "::")
    assert "'65536' is not a port, 0 to 65535" in error("--port", "65536")
    none = tmp_path / "none"  # else a server with this token would start
    for token in ("", "x" * 15, "x" * 201, "é" * 16, "x" * 16 + "\x7f", "two words " * 2):
        assert "The token must have 16 to 200" in error("--host", "0.0.0.0", "--label", none, "--token", token)
    assert "is not a folder" in error("--label", tmp_path / "none")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "in use). Choose another" in error("--port", taken.getsockname()[1])
    assert "Cannot listen at nowhere.invalid" in error("--host", "nowhere.invalid", "--token", "x" * 16)
    assert re.search(
        r"Cannot listen at a\.\.b, port 8000 \([^()]+\)\. Choose", error("--host", "a..b", "--token", "x" * 16)
    )
    monkeypatch.setenv("MNIST_TOKEN", "")
    assert "The token must have 16 to 200 ASCII characters" in error()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "0.0.0.0", "raspberrypi.local"])
def test_only_this_computer_reaches_loopback_addresses(host: str) -> None:
    assert is_loopback(host) == (host in ("localhost", "127.0.0.1", "::1"))
