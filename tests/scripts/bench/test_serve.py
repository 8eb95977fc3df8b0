"""The load test of the HTTP service notices wrong answers and memory that grows."""

import asyncio
from pathlib import Path

import pytest

from mnist_tools.bench import serve


@pytest.mark.slow
def test_a_load_test_passes_and_growth_fails_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(serve, "PAGE", tmp_path / "serving.md")
    assert serve.main(["--seconds", "0.3", "--count", "800", "--write"]) == 0
    assert "Flat: 800 requests" in capsys.readouterr().out
    page = (tmp_path / "serving.md").read_text()
    assert page.count("\n| 28x28 pixels") == 4
    assert "100 silent, 50 slow headers, 50 slow body, 30 not reading, 10 broken" in page
    monkeypatch.setattr(serve, "BOUND", -1 << 40)
    assert serve.main(["--seconds", "0.1", "--count", "800"]) == 1
    assert "GROWS" in capsys.readouterr().out


@pytest.mark.slow
def test_wrong_answers_are_counted() -> None:
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with serve.server() as (process, port):
        right = asyncio.run(serve.load_server(process, port, [(request, b"200 OK")], 2, 0.5))
        wrong = asyncio.run(serve.load_server(process, port, [(request, b"201")], 2, 0.5))
        assert serve.memory_growth(process, port, [(request, b"201")], 800)[2] == 800
    assert (right.wrong, wrong.wrong > 0) == (0, True)
    assert right.clients == 2
    assert 0 < right.p50 <= right.p99 <= right.worst
