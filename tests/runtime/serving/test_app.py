"""Answers of the HTTP service: the same as of the command line, and an error in its words for everything else."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.runtime.conftest import Digits

pytest.importorskip("starlette")
pytest.importorskip("httpx2")
pytest.importorskip("python_multipart")
from starlette.testclient import TestClient

from mnist_runtime import Classifier, DoubtfulPictures, prepare
from mnist_runtime.reading.labelling import PictureSorter
from mnist_runtime.serving.app import application
from mnist_runtime.serving.bounds import Work

PART = b'--b\r\nContent-Disposition: form-data; name="a"; filename="x%s"\r\n\r\nhello\r\n'
TOKEN = "a-token-of-enough-signs"


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    with Classifier.load(threads=2) as classifier:
        yield classifier


@pytest.fixture(scope="module")
def client(classifier: Classifier) -> Iterator[TestClient]:
    with TestClient(application(classifier), base_url="http://localhost:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    pixels = np.full((120, 200, 3), 230, np.uint8)
    pixels[30:90, 40:46] = pixels[32:92, 150:156] = 20
    return pixels


def as_png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_every_digit_gets_the_answer_of_the_classifier(
    client: TestClient, classifier: Classifier, legible: Digits
) -> None:
    for image, label in zip(legible.images, legible.labels, strict=True):
        found = client.post("/classify", content=as_png(image), params={"top_k": 10, "prepared": "true"}).json()
        expected = classifier.classify(image)
        assert (found["digit"], found["label"], found["reason"]) == (label, str(label), None)
        assert [(each["digit"], each["score"]) for each in found["top"]] == list(expected.ranking)
        prepared = np.frombuffer(base64.b64decode(found["prepared"]["base64"]), np.uint8).reshape(28, 28)
        assert np.array_equal(prepared, prepare(image))


def test_a_form_and_a_body_get_the_answer_of_the_command(client: TestClient, here: Callable[..., object]) -> None:
    file = Path(__file__).parents[3] / "examples" / "seven.png"
    (expected,) = json.loads(here("mnist-runtime", "classify", "--json", "--top-k", 3, file).stdout)["results"]
    content = file.read_bytes()
    answers = (
        client.post("/classify?top_k=3", content=content),
        client.post("/classify?top_k=3", files={"picture": ("seven.png", content)}),
        client.post("/classify?top_k=3", files={"any": content}, data={"note": "mine"}),
    )
    for answer in answers:
        assert {"file": str(file), **answer.json()} == expected


def test_a_page_is_read(client: TestClient, page: np.ndarray) -> None:
    found = client.post("/read", content=as_png(page)).json()
    assert [(each["digit"], each["row"], each["box"]) for each in found["readings"]] == [
        (1, 1, [40, 30, 46, 90]),
        (1, 1, [150, 32, 156, 92]),
    ]
    assert (found["height"], found["width"]) == (120, 200)


def test_a_blank_picture_has_no_image(client: TestClient) -> None:
    found = client.post("/classify?prepared=true", content=as_png(np.full((50, 50), 9, np.uint8))).json()
    assert (found["label"], found["reason"], found["top"], found["prepared"]) == (None, "blank", [], None)


@pytest.mark.parametrize(
    ("path", "content", "status", "words"),
    [
        ("/classify", b"", 400, "The request has no picture."),
        ("/classify", b"just words", 400, "the picture is a text file. Give a picture"),
        ("/classify", b"\x89PNG\r\n\x1a\n", 400, "the picture"),
        ("/classify?top_k=11", b"x", 400, "top_k is '11', but must be a whole number from 1 to 10."),
        ("/classify?top_k=0", b"x", 400, "top_k is '0'"),
        ("/classify?top_k=%F0%9D%9F%99", b"x", 400, "top_k is"),
        ("/classify?prepared=yes", b"x", 400, "prepared is 'yes', but must be true or false."),
        ("/read?all=1%1b", b"x", 400, "all is"),
        ("/other", b"x", 404, "There is no such path. See /openapi.json."),
        ("/health", b"x", 405, "The path needs another method."),
    ],
)
def test_bad_input_gets_a_message(client: TestClient, path: str, content: bytes, status: int, words: str) -> None:
    answer = client.post(path, content=content)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"].startswith(words)
    assert answer.json()["error"].isprintable()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The form has 0 files"),
        (b"--b\r\n\r\nno end", "The form is damaged"),
        (b"--b--\r\n", "The form has 0 files, but one picture is needed."),
        (PART % b"\x1b" + b"--b--\r\n", r"x\x1b is a text"),
        (PART % b"y" + b"--b--\r\n", "xy is a text"),
        (PART % (b"y" * 500) + b"--b--\r\n", f"x{'y' * 99} is a text"),
        (PART % b"" * 2 + b"--b--\r\n", "The form has 2"),
        (PART % b"" * 20 + b"--b--\r\n", "The form is damaged"),
    ],
)
def test_bad_forms_get_a_message(client: TestClient, content: bytes, words: str) -> None:
    answer = client.post("/classify", content=content, headers={"content-type": "Multipart/Form-Data; boundary=b"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(words)


@given(st.binary(max_size=200), st.text(max_size=30), st.sampled_from(["/classify", "/read", "/label/move", "/"]))
@settings(max_examples=60)
def test_no_request_is_a_bug(client: TestClient, content: bytes, kind: str, path: str) -> None:
    form = "multipart/" + "".join(sign for sign in kind if " " <= sign <= "~")
    for headers in ({}, {"content-type": form}):
        assert client.post(path, content=content, headers=headers).status_code in range(400, 500)


def test_the_manifest_and_the_state_are_told(client: TestClient, classifier: Classifier) -> None:
    facts = client.get("/manifest").json()
    assert facts["manifest"]["name"] == facts["model"] == classifier.manifest.name
    assert facts["labels"] == [*"0123456789"]
    health = client.get("/health").json()
    assert (health["status"], health["model"]) == ("ok", classifier.manifest.name)


def test_the_description_has_every_path_and_field(classifier: Classifier, tmp_path: Path, page: np.ndarray) -> None:
    (tmp_path / "a.png").write_bytes(as_png(page))
    app = application(classifier, sorter=PictureSorter(tmp_path, classifier.task.labels))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        paths = client.get("/openapi.json").json()["paths"]
        pages = {"/", "/label", "/openapi.json"}
        assert {route.path for route in app.routes} == set(paths) | pages
        for path, body in (
            ("/classify?prepared=true", as_png(page[:, :100])),
            ("/read", as_png(page)),
            ("/health", None),
            ("/label/next", None),
            ("/label/move", b'{"name": "a.png", "label": "1"}'),
            ("/label/undo", b""),
        ):
            answer = client.get(path) if body is None else client.post(path, content=body)
            assert answer.status_code == 200, answer.text
            (operation,) = paths[path.partition("?")[0]].values()
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert set(answer.json()) == set(schema["properties"]) - {"problem"}


def test_other_sites_are_refused(client: TestClient, page: np.ndarray) -> None:
    for headers in (
        {"host": "evil.example"},
        {"host": "[::1"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://[::1"},
    ):
        assert client.post("/classify", content=as_png(page), headers=headers).status_code == 403
    own = {"host": "localhost:8000", "origin": "http://localhost:8000"}
    assert client.post("/classify", content=as_png(page), headers=own).status_code == 200


def test_the_token_is_needed(classifier: Classifier) -> None:
    with TestClient(application(classifier, token=TOKEN), base_url="http://device.local") as client:
        for wrong in (b"", f"Bearer {TOKEN}x".encode(), TOKEN.encode(), f"Basic {TOKEN}".encode(), b"Bearer \xe4"):
            answer = client.get("/manifest", headers={"authorization": wrong})
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert client.get("/manifest", headers={"authorization": f"bearer {TOKEN}"}).status_code == 200
        assert TOKEN not in client.get("/").text
        assert client.get("/health").status_code == 200


def test_sizes_are_bounded(classifier: Classifier, page: np.ndarray) -> None:
    app = application(classifier, most_body=5000, most_held=8000)
    with TestClient(app, base_url="http://localhost") as client:
        assert client.post("/classify", content=as_png(page)).status_code == 200
        for content in (bytes(5001), iter([bytes(4000)] * 2)):
            answer = client.post("/classify", content=content)
            assert (answer.status_code, answer.json()["error"]) == (
                413,
                "The request has more than 5,000 bytes. Send a smaller picture.",
            )
        for _ in range(4):
            assert client.post("/classify", content=bytes(3000)).status_code == 400, "nothing is held any more"
    with TestClient(application(classifier, most_held=50), base_url="http://localhost") as client:
        assert client.post("/classify", content=bytes(51)).status_code == 503


def test_the_queue_is_bounded_and_the_time_too(classifier: Classifier, page: np.ndarray) -> None:
    work, go_on = Work(threads=1, most=1), threading.Event()
    app = application(classifier, work=work, request_seconds=0.3)
    with TestClient(app, base_url="http://localhost") as client:
        blocked = work._pool.submit(go_on.wait, 5)
        slow = client.post("/classify", content=as_png(page))
        assert slow.status_code == 503
        assert slow.json()["error"] == "The answer took more than 0.3 seconds. Send a smaller picture."
        work._free.acquire()
        full = client.post("/classify", content=as_png(page))
        assert (full.status_code, full.headers["retry-after"]) == (503, "1")
        work._free.release()
        go_on.set()
        blocked.result()
        patient = TestClient(application(classifier, work=work), base_url="http://localhost")
        assert patient.post("/classify", content=as_png(page)).status_code == 200, "the only place is free again"


def test_a_slow_request_is_refused(classifier: Classifier) -> None:
    import anyio

    async def one() -> list[dict[str, object]]:
        sent: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            await anyio.sleep(0.05)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        scope = {"type": "http", "path": "/classify", "method": "POST", "headers": [(b"host", b"localhost")]}
        app = application(classifier, body_seconds=0.2)
        await app({**scope, "query_string": b"", "root_path": "", "server": ("localhost", 1)}, receive, send)
        return sent

    started = time.monotonic()
    start, body = anyio.run(one)
    assert start["status"] == 408
    assert b"took more than 0.2 seconds to arrive" in body["body"]  # type: ignore[operator]
    assert time.monotonic() - started < 20


def test_a_bug_has_no_traceback_in_the_answer(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr("mnist_runtime.serving.app.decode_picture", broken)
    with TestClient(application(classifier), base_url="http://localhost", raise_server_exceptions=False) as client:
        answer = client.post("/classify", content=b"x")
    assert (answer.status_code, "secret" in answer.text) == (500, False)
    assert capsys.readouterr().err == "error: unexpected KeyError: 'a secret'. This is a bug. Please report it.\n"


def test_doubtful_pictures_are_kept_and_a_full_disk_does_not_cost_the_answer(
    classifier: Classifier, tmp_path: Path, page: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    doubtful = DoubtfulPictures(tmp_path / "kept", below=1)
    app = application(classifier, doubtful=doubtful)
    with TestClient(app, base_url="http://localhost") as client:
        assert client.post("/classify", content=as_png(page[:, :100])).json()["label"] == "1"
        client.post("/read", content=as_png(page))
        assert len(list(doubtful.folder.iterdir())) == 3
        for file in doubtful.folder.iterdir():
            file.unlink()
        doubtful.folder.rmdir()
        assert client.post("/classify", content=as_png(page[:, :100])).json()["label"] == "1"
    assert capsys.readouterr().err.startswith("warning: Cannot write into")
