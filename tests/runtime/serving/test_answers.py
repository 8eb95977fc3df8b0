"""The HTTP service: the status of each error, and the facts around its answers."""

import copy
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette")
pytest.importorskip("httpx2")
pytest.importorskip("python_multipart")
from starlette.testclient import TestClient

from mnist_runtime import BackendError, Classifier, OutputError, PictureError
from mnist_runtime.artifact.task import Task
from mnist_runtime.errors import MachineError
from mnist_runtime.reading.labelling import PictureSorter
from mnist_runtime.serving.app import application
from mnist_runtime.serving.bounds import Work


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    with Classifier.load() as classifier:
        yield classifier


@pytest.fixture(scope="module")
def client(classifier: Classifier) -> Iterator[TestClient]:
    with TestClient(application(classifier), base_url="http://localhost:8000", raise_server_exceptions=False) as client:
        yield client


def page(*, with_dot: bool = False) -> bytes:
    """Return a PNG file with two ones, and between them a dot that is far smaller."""
    pixels = np.full((120, 200), 230, np.uint8)
    pixels[30:90, 40:46] = pixels[32:92, 150:156] = 20
    if with_dot:
        pixels[60:70, 95:105] = 20
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_symbols_without_an_answer_are_told_on_request(client: TestClient) -> None:
    for query, labels in (("", ["1", "1"]), ("?all=false", ["1", "1"]), ("?all=true", ["1", None, "1"])):
        found = client.post(f"/read{query}", content=page(with_dot=True)).json()
        assert [each["label"] for each in found["readings"]] == labels


def caused_by(cause: Exception) -> PictureError:
    error = PictureError("The picture cannot be read.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BackendError("Install Pillow."), 415),
        (OutputError("Free some space."), 507),
        (MachineError("Close other programs."), 503),
        (MemoryError(), 503),
        (caused_by(MemoryError()), 503),
        (PictureError("Check the file."), 400),
    ],
    ids=repr,
)
def test_the_status_says_whose_fault_an_error_is(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr("mnist_runtime.serving.app.decode_picture", failing)
    answer = client.post("/classify", content=b"x")
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


def test_a_label_cannot_end_the_script_of_the_page(client: TestClient, classifier: Classifier) -> None:
    other = copy.copy(classifier)
    other.task = Task(labels=("</script><script>", "7"))
    with TestClient(application(other), base_url="http://localhost") as others:
        text = others.get("/").text
    assert "\\u003c/script>" in text
    assert text.count("</script>") == client.get("/").text.count("</script>")


def test_the_state_counts_the_answers(client: TestClient) -> None:
    before = client.get("/health").json()["answered"]
    assert [client.post(path, content=page()).status_code for path in ("/classify", "/read")] == [200, 200]
    assert client.post("/read", content=b"x").status_code == 400
    assert client.get("/health").json()["answered"] == before + 2


def test_a_wrong_method_is_told_the_right_one(client: TestClient) -> None:
    answer = client.get("/classify")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_threads_end_with_the_service(classifier: Classifier) -> None:
    work = Work(threads=1)
    with TestClient(application(classifier, work=work), base_url="http://localhost") as client:
        assert client.post("/classify", content=page()).status_code == 200
    with pytest.raises(RuntimeError, match="after shutdown"):
        work._pool.submit(print)


def test_a_stranger_is_refused_before_anything_else(classifier: Classifier) -> None:
    app = application(classifier, token="a-token-of-enough-signs", most_body=5)
    with TestClient(app, base_url="http://device.local") as client:
        assert client.post("/classify", content=b"more than 5").status_code == 401


def test_the_pages_are_open_and_their_data_needs_the_token(classifier: Classifier, tmp_path: Path) -> None:
    """A browser cannot send the token when it opens a page."""
    sorter = PictureSorter(tmp_path, classifier.task.labels)
    app = application(classifier, token="a-token-of-enough-signs", sorter=sorter)
    with TestClient(app, base_url="http://device.local") as client:
        paths = ("/", "/label", "/health", "/manifest", "/openapi.json", "/label/next", "/label/picture")
        assert [client.get(path).status_code for path in paths] == [200] * 3 + [401] * 4


def test_a_picture_to_label_is_shown_or_its_problem_told(classifier: Classifier, tmp_path: Path) -> None:
    arrays = {"a": np.zeros((5, 28, 28)), "b": np.zeros((0, 9)), "c": np.full((1500, 3000, 1), 9), "d": np.zeros(9)}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array.astype(np.uint8))
    app = application(classifier, sorter=PictureSorter(tmp_path, classifier.task.labels))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        for name in "abd":
            answer = client.get("/label/picture", params={"name": f"{name}.npy"})
            assert (answer.status_code, answer.json()["error"][:21]) == (400, "The picture has shape")
        shown = client.get("/label/picture", params={"name": "c.npy"})
        assert Image.open(io.BytesIO(shown.content)).size == (1024, 512)
        following = client.get("/label/next").json()
        assert (following["name"], following["left"], "problem" in following) == ("a.npy", 4, True)
        following = client.get("/label/next", params={"after": "b.npy"}).json()
        assert (following["name"], following["left"], "problem" in following) == ("c.npy", 4, False)
        assert client.get("/label/next", params={"after": "d.npy"}).json()["name"] is None


@pytest.mark.skipif(sys.platform == "darwin", reason="names of files are UTF-8 there")
def test_a_picture_whose_name_is_not_utf_8_is_labelled(classifier: Classifier, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"gr\xfcn.png")
    file.write_bytes(page())
    (tmp_path / "h.png").write_bytes(page())
    app = application(classifier, sorter=PictureSorter(tmp_path, classifier.task.labels))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        name = client.get("/label/next").json()["name"]
        assert name == r"gr\udcfcn.png"
        assert client.get("/label/picture", params={"name": name}).status_code == 200
        assert client.get("/label/next", params={"after": name}).json()["name"] == "h.png"
        done = client.post("/label/move", json={"name": name, "label": "7"}).json()
        assert done == {"name": name, "label": "7", "file": rf"7/{name}"}
        assert (tmp_path / "7" / file.name).exists()
        assert client.post("/label/undo", json={}).json() == {"name": name}
        assert file.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"7",
        b'{"name": "a.png"}',
        b'{"name": 7, "label": "1"}',
        b'{"name": "a.png", "label": 1}',
        b"[" * 9999,
    ],
    ids=lambda body: body[:30].decode(),
)
def test_a_move_needs_a_name_and_a_label(classifier: Classifier, tmp_path: Path, body: bytes) -> None:
    (tmp_path / "a.png").write_bytes(page())
    app = application(classifier, sorter=PictureSorter(tmp_path, classifier.task.labels))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        answer = client.post("/label/move", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The request must be JSON: ")
    assert (tmp_path / "a.png").exists()
