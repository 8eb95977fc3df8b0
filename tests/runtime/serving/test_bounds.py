"""The bounds of the server alone: what is refused while it is received, and what happens at the end."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("starlette")
import anyio

from mnist_runtime.serving.bounds import Bounded, RequestError, Work

Message = dict[str, Any]


async def answer(_scope: object, receive: Any, send: Any) -> None:
    """Receive the whole request, and answer it."""
    while (await receive())["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


async def answer_slowly(_scope: object, _receive: object, send: Any) -> None:
    """Begin the answer, and do not end it in time."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await anyio.sleep(30)


def ask(app: Any, parts: Iterator[bytes], length: str = "", **bounds: Any) -> list[Message]:
    """Send the parts of a request, and return what the server sent."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": next(parts), "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-length", length.encode())] if length else []
    anyio.run(Bounded(app, **bounds), {"type": "http", "headers": headers}, receive, send)
    return sent


def test_a_request_that_states_to_be_too_large_is_not_received() -> None:
    for length in ("51", "100000", "1" * 30):
        start, _ = ask(answer, iter(()), length, most_body=50)
        assert start["status"] == 413


def test_the_parts_of_a_request_count_together() -> None:
    start, body = ask(answer, iter([b"abc", b"def"]), most_body=5)
    assert (start["status"], b"more than 5 bytes" in body["body"]) == (413, True)


def test_an_answer_that_has_begun_is_not_followed_by_another() -> None:
    assert [message["status"] for message in ask(answer_slowly, iter(()), request_seconds=0.01)] == [200]


def test_the_bytes_of_all_requests_are_bounded_together() -> None:
    bounds = Bounded(lambda *_: None, most_held=50)
    bounds.hold(30)
    with pytest.raises(RequestError, match="receives too many bytes"):
        bounds.hold(21)
    bounds.hold(20)


def test_waiting_pictures_are_dropped_at_the_end() -> None:
    work, go_on = Work(threads=1), threading.Event()
    running, waiting = work._pool.submit(go_on.wait, 30), work._pool.submit(print)
    closing = threading.Thread(target=work.close)
    closing.start()
    end = time.monotonic() + 10
    while not waiting.done() and time.monotonic() < end:
        time.sleep(0.001)
    assert (waiting.cancelled(), running.done()) == (True, False)
    go_on.set()
    closing.join()
    assert running.result()
