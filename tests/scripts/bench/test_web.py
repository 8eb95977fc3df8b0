"""``scripts/tool bench web`` times every engine that is installed."""

import shutil

import pytest

from mnist_tools.bench.web import BROWSER, PageTimes, measure, page


@pytest.mark.slow
def test_every_engine_is_timed() -> None:
    found = measure("linear", "digits")
    expected = {"LiteRT", "C, -O3", "wasmtime", *(["Node"] if shutil.which("node") else [])}
    assert set(found.seconds) == expected | ({"Chromium"} if BROWSER else set())
    assert all(0 < seconds < 1 for seconds in found.seconds.values())
    assert 50_000 < found.bytes < 100_000


def test_the_page_has_milliseconds_and_ratios() -> None:
    text = page([PageTimes("net", 93_800, {"LiteRT": 5e-5, "wasmtime": 4e-4})])
    assert "| `net` | 93.8 | 0.05 ms, 1.0 | 0.40 ms, 8.0 |" in text
