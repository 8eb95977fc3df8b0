"""The page that carries its model: proof, integrity, and modules that are hostile."""

import contextlib
import dataclasses
import hashlib
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_exporters import ExportReport, ExportSession, ExportSpec, Precision, inspect
from mnist_exporters.errors import ConversionError, MissingPackageError
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.tflite.plugin import TFLite
from mnist_exporters.formats.web import program
from mnist_exporters.formats.web.module import WasmModule
from mnist_exporters.formats.web.page import module_in, page_of
from mnist_exporters.formats.web.program import WasmProgram
from mnist_runtime import ArtifactError
from mnist_runtime.backends.numpy_int8 import load_numpy

wasmtime = pytest.importorskip("wasmtime")
pytest.importorskip("ziglang")


@pytest.fixture(scope="module")
def page(exported: Callable[..., ExportReport]) -> Path:
    path = exported("linear", "web", Precision.INT8).path
    assert path is not None
    return path


@pytest.fixture(scope="module")
def module(page: Path) -> WasmModule:
    return module_in(page.read_text("utf-8"))


@pytest.mark.long
def test_its_scores_are_the_integers_of_numpy(exported: Callable[..., ExportReport], page: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)
    images[32:] = np.repeat(images[32:, :1], 28, axis=1)
    tflite = exported("linear", "tflite", Precision.INT8).path
    model = TFLite().open(tflite).content
    classifier = load_plugin("web").load(page)
    assert np.array_equal(classifier.scores(images), load_numpy(model).run(images[..., None]))
    assert classifier.manifest.golden["backend"] == "wasm"
    assert {"ziglang", "wasmtime"} <= set(classifier.manifest.tools)


def test_its_facts_are_read_back(exported: Callable[..., ExportReport], page: Path) -> None:
    report, found = exported("linear", "web", Precision.INT8), inspect(page)
    assert (report.input_dtype, report.output_dtype, report.loads_on) == ("uint8", "uint8", ("browser",))
    assert found.sha256 == report.sha256
    assert (found.contents.format, found.contents.precision, found.contents.weights["int8"]) == ("web", "int8", 7840)
    assert found.manifest.parity["images"] == 1500
    assert page.stat().st_size == report.size_bytes < 80_000


def test_nothing_is_loaded_and_no_script_of_another_origin_runs(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "default-src 'none'" in text
    assert "connect-src 'none'" in text
    assert not re.search(r'(src|href)=(?!"data:)|https?://|url\(|@import', text)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_a_changed_character_is_an_error(page: Path, data: st.DataObject) -> None:
    text = page.read_text("utf-8")
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii", exclude_characters=text[place]))
    with pytest.raises(ArtifactError):
        module_in(text[:place] + other + text[place + 1 :])


def test_a_changed_module_in_a_page_with_the_right_digest_is_an_error(page: Path, module: WasmModule) -> None:
    content = bytearray(module.content)
    content[len(content) // 2] ^= 1
    changed = page_of(dataclasses.replace(module, content=bytes(content)))
    with pytest.raises(ArtifactError, match="module was changed"):
        module_in(changed)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_module_with_the_right_digest_is_read_or_an_error(module: WasmModule, data: st.DataObject) -> None:
    body = bytearray(module.content[: module.content.rindex(b"\0\x27\x06sha256")])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(8, len(body) - 1))] = data.draw(st.integers(0, 255))
    body += b"\0\x27\x06sha256" + hashlib.sha256(body).digest()
    with contextlib.suppress(ArtifactError):
        WasmModule.read(bytes(body)).contents()


@pytest.mark.parametrize(
    "text", ["", "<!doctype html><p>A report</p>", '<script type="text/plain" id="wasm">AA=</script>']
)
def test_another_page_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(text)
    with pytest.raises(ArtifactError, match="no page from mnist-export"):
        load_plugin("web").open(tmp_path / "page.html")


def test_a_missing_page_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_plugin("web").open(tmp_path / "page.html")


IMPORT = '(import "x" "y" (func))'
HOSTILE = {
    "an endless loop": ("", "(loop br 0) i32.const 0", "60 seconds|1 seconds"),
    "a trap": ("", "unreachable", "unreachable"),
    "too much memory": ("", "(memory.grow (i32.const 60000))", "another class"),
    "the wrong class": ("", "i32.const 3", "another class"),
    "a function from outside": (IMPORT, "i32.const 0", "import"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_module_is_refused(module: WasmModule, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """It runs in a process of its own, which is stopped."""
    monkeypatch.setattr(program, "SECONDS", 1.0)
    monkeypatch.setattr(program, "SECONDS_PER_IMAGE", 0.0)
    imported, body, reason = HOSTILE[what]
    code = f"""(module {imported} (memory (export "memory") 1)
      (func (export "image") (result i32) i32.const 0) (func (export "scores") (result i32) i32.const 1024)
      (func (export "classify") (result i32) {body}) (func (export "self_test") (result i32) i32.const 0))"""
    hostile = dataclasses.replace(module, content=bytes(wasmtime.wat2wasm(code)))
    with pytest.raises(ConversionError, match=reason):
        WasmProgram(hostile).run(np.zeros((1, 28, 28, 1), np.uint8))


def test_a_sabotaged_module_fails_its_self_test(module: WasmModule) -> None:
    """One weight is changed, and everything is sealed again."""
    weights = module.content[: module.content.rindex(b"\0\x27\x06sha256")]
    place = weights.index(bytes(module.golden.scores[0]))  # the scores that the C code compares with
    changed = bytearray(module.content)
    changed[place] ^= 1
    with pytest.raises(ConversionError, match="failed its self-test with 1"):
        WasmProgram(dataclasses.replace(module, content=bytes(changed))).self_test()


def test_golden_vectors_are_those_of_the_export(module: WasmModule, golden_images: np.ndarray) -> None:
    assert np.array_equal(module.golden.images, golden_images)
    classifier_scores = WasmProgram(module).run(golden_images[..., None])
    assert np.array_equal(module.golden.scores, classifier_scores)


def test_without_its_packages_the_message_has_the_line_that_installs_them(
    sessions: Callable[..., ExportSession], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find = importlib.util.find_spec
    absent = ("wasmtime", "ziglang")
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name in absent else find(name, *rest))
    with pytest.raises(MissingPackageError, match=r"pip install 'mnist-edge-export\[web\]'") as caught:
        sessions("linear").export(ExportSpec("web", "int8"), tmp_path)
    assert caught.value.exit_code == 4
    assert list(tmp_path.iterdir()) == []
