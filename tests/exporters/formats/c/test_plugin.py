"""C code that contains its engine: the files, their proof, and what is refused."""

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared.c_programs import STRICT, c_files, native, needs_gcc
from tests.shared.operator_networks import NETWORKS, converted

from mnist_exporters import ConversionError, ExportReport, MissingPackageError, Precision, UsageError, inspect, verify
from mnist_exporters.formats.c import compiler
from mnist_exporters.formats.c.compiler import find_compiler
from mnist_exporters.formats.c.native import CFiles, NativeProgram
from mnist_exporters.formats.c.reading import scores_of
from mnist_exporters.formats.c.writing.packed_images import pack_images, unpack_images
from mnist_exporters.formats.c_pair import c_string
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.tflite.rewrites import with_static_batch
from mnist_runtime import ArtifactError, Classifier, Golden
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_runtime.errors import MachineError
from mnist_runtime.prediction import scores_of_logits
from mnist_trainer import Splits

PROGRAM = r"""
#include <stdio.h>
#include "tiny-int8.h"
int main(void) {
  static uint8_t black[TINY_INT8_PIXELS];
  int32_t i;
  if (tiny_int8_self_test() != 0 || tiny_int8_classify(0) != -1) return 1;
  printf("%d", (int)tiny_int8_classify(black));
  for (i = -1; i <= TINY_INT8_LABEL_COUNT; i++) printf(" %.9g", (double)tiny_int8_score(i));
  printf(" %.9g %s\n", (double)tiny_int8_confidence(), tiny_int8_labels[TINY_INT8_LABEL_COUNT - 1]);
  return 0;
}
"""


@pytest.fixture(scope="module")
def source(exported: Callable[..., ExportReport]) -> Path:
    path = exported("tiny", "c", Precision.INT8).path
    assert path is not None
    return path


def copy(source: Path, folder: Path) -> Path:
    for suffix in (".h", ".c"):
        shutil.copy(source.with_suffix(suffix), folder)
    return folder / source.name


@pytest.mark.long
@needs_gcc
@pytest.mark.parametrize("command", [("gcc", "-std=c99"), ("g++", "-std=c++11", "-x", "c++")])
def test_a_program_of_a_user_compiles_and_gives_scores(source: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "main.c").write_text(PROGRAM)
    words = [*command, *STRICT, "-I", source.parent, tmp_path / "main.c", source, "-o", tmp_path / "program"]
    subprocess.run(words, check=True)
    printed = subprocess.run([tmp_path / "program"], check=True, capture_output=True, text=True).stdout.split()
    scores = load_plugin("c").load(source).predict_proba(np.zeros((1, 28, 28), np.uint8))[0]
    assert int(printed[0]) == scores.argmax()
    assert np.array_equal(np.array(printed[1:13], np.float32), np.concatenate([[0], scores, [0]]).astype(np.float32))
    assert (np.float32(printed[13]), printed[14]) == (scores.max(), "9")


@pytest.mark.long
def test_the_compiled_file_gives_the_integers_of_the_int8_tflite_file(
    exported: Callable[..., ExportReport], source: Path, digits: Splits
) -> None:
    device = Classifier.load(exported("tiny", "tflite", Precision.INT8).path, backend="numpy")
    images = digits.test.images[:300]
    compiled = load_plugin("c").load(source)
    assert np.array_equal(compiled.scores(images), device.scores(images))
    assert np.array_equal(compiled.golden.scores, device.scores(compiled.golden.images))
    assert np.array_equal(compiled.golden.images, device.golden.images)
    assert compiled.manifest.golden["backend"] == "c"


def test_the_report_and_the_inspection_say_what_the_file_is(
    exported: Callable[..., ExportReport], source: Path
) -> None:
    report = exported("tiny", "c", Precision.INT8)
    assert (report.input_dtype, report.output_dtype, report.loads_on) == ("uint8", "uint8", ("c",))
    assert "any C99 compiler" in str(report)
    for path in (source, source.with_suffix(".h")):
        found = inspect(path)
        assert (found.contents.format, found.contents.activations) == ("c", ("int8",))
        assert found.contents.operators["CONV_2D"] == 3
        assert "mcu" in found.targets
        assert "pi-4" in found.targets


@pytest.mark.slow
def test_verify_compiles_and_proves_it_again(source: Path, digits: Splits) -> None:
    found = verify(source, "tiny", data=digits)
    assert found.parity.passed
    assert found.same_original


@pytest.mark.long
@pytest.mark.parametrize("activation", [pytest.param("softmax", marks=pytest.mark.slow), "sigmoid"])
def test_scores_of_logits_are_those_of_the_runtime(tmp_path: Path, activation: str) -> None:
    content = with_static_batch(converted(NETWORKS["depthwise"][0]))
    files = c_files(content, "logits", activation=activation)
    program = native(content, files)
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)
    assert np.array_equal(program.run(images), load_numpy(content).run(images))
    main = (
        '#include <stdio.h>\n#include "logits.h"\nint main(void) { static uint8_t pixels[LOGITS_PIXELS]; int32_t i;\n'
        "while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) { logits_classify(pixels);\n"
        'for (i = 0; i < 10; i++) printf("%.9g ", (double)logits_score(i));\n'
        'printf("%.9g\\n", (double)logits_confidence()); } return 0; }\n'
    )
    for name, text in (("logits.h", files.header), ("logits.c", files.source), ("main.c", main)):
        (tmp_path / name).write_text(text)
    find_compiler().build((tmp_path / "logits.c", tmp_path / "main.c"), tmp_path / "program", "-I", str(tmp_path))
    done = subprocess.run([tmp_path / "program"], input=images.tobytes(), check=True, capture_output=True)
    found = np.array([line.split() for line in done.stdout.decode().splitlines()], np.float64)
    logits = program.output.dequantize(program.run(images))
    expected = scores_of_logits(logits, activation)
    assert np.abs(found[:, :10] - expected).max() < 2e-6
    assert np.abs(found[:, 10] - expected.max(axis=1)).max() < 2e-6


SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1")
SABOTAGES = {
    "a wrong shift in the rescaling": ("<< 30)) >> 31", "<< 30)) >> 30"),
    "no rounding": ("+ ((int64_t)1 << 30)", ""),
    "half of a multiplier": ("scaled * multiplier", "scaled * (multiplier >> 1)"),
    "the dense layer's rounding": ("(30 - shift)", "(29 - shift)"),
    "swapped strides": ("y * step_y", "y * step_y * 2"),
    "an offset left out": ("(values[i] + offset)", "(values[i])"),
    "a sum cut short": ("i < count; i++) {\n    sum", "i < count - 1; i++) {\n    sum"),
    "a row of a window left out": ("top + line * s->dilation_y", "top + (line + 1) * s->dilation_y"),
    "channels of the wrong row": ("s->weights + channel * count", "s->weights + (channel + 1) * count"),
    "the bias left out": ("(sum_t)s->bias[channel]", "0"),
    "bounds left out": ("value < low ? low : value > high ? high : value", "value"),
    "the zero point left out": (" + s->zero_point, s->low", ", s->low"),
    "the least of a window": (
        "value > out[channel] ? value : out[channel]",
        "value < out[channel] ? value : out[channel]",
    ),
    "the mean of one place less": ("place < s->places", "place < s->places - 1"),
    "pixels not flipped": ("in[i] ^ 0x80", "in[i]"),
    "the softmax of another distance": ("greatest - in[i];", "(greatest - in[i]) * 2;"),
    "a buffer that overlaps": ("memory.windows + ", "memory.windows + 0 * "),
    "one weight changed": (" = {\n  ", " = {\n  1"),
    "an index out of bounds": ("const value_t *values = in +", "const value_t *values = in + 100000 +"),
    "another class": ("scores[i] > scores[answer]", "scores[i] < scores[answer]"),
    "an endless loop": ("width < 31 && x >> width != 0", "width < 64"),
}
"""What is changed -> text, and what replaces it wherever it is."""


def prove(program: NativeProgram, images: np.ndarray) -> None:
    program.self_test()
    program.run(images[..., None])


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(what, marks=() if what in ("half of a multiplier", "an index out of bounds") else pytest.mark.slow)
        for what in SABOTAGES
    ],
)
def test_a_sabotaged_file_is_refused(source: Path, what: str) -> None:
    """The self-test, which the proof runs first, or a sanitizer sees each of them."""
    artifact = load_plugin("c").open(source)
    header, text = source.with_suffix(".h").read_text(), source.read_text()
    old, new = SABOTAGES[what]
    assert old in text, what
    changed = text.replace(old, new, 1 if "one" in what.split() else -1)
    files, output = CFiles(header, changed, source.stem), scores_of(header, artifact.manifest)
    program = NativeProgram(files, output, 10, find_compiler(), *SANITIZERS)
    with pytest.raises(ConversionError):
        prove(program, artifact.golden.images)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_changed_character_is_an_error(
    source: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = copy(source, tmp_path_factory.mktemp("changed")).with_suffix(data.draw(st.sampled_from([".h", ".c"])))
    text = path.read_text()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii", exclude_characters="\r" + text[place]))
    path.write_text(text[:place] + other + text[place + 1 :])
    with pytest.raises(ArtifactError, match="Export them again"):
        load_plugin("c").open(path)


def test_other_integers_than_those_of_numpy_are_refused(source: Path) -> None:
    """So a wrong kernel is found even if it costs no accuracy."""
    content = with_static_batch(converted(NETWORKS["per_pixel"][0]))
    artifact = load_plugin("c").open(source)
    scores = load_numpy(content).run(artifact.golden.images[..., None])
    right = Golden(artifact.golden.images, scores)
    assert set(load_plugin("c").pack(content, artifact.manifest, right, "name")) == {".h", ".c"}
    scores[3, 4] += 1
    with pytest.raises(ConversionError, match="other integers than mnist-runtime's NumPy"):
        load_plugin("c").pack(content, artifact.manifest, Golden(artifact.golden.images, scores), "name")


@needs_gcc
def test_labels_neither_end_nor_begin_a_comment(source: Path, tmp_path: Path) -> None:
    facts = load_plugin("c").open(source).manifest
    labels = ("*/", "/*", "/*/", "*/*", "//", *facts.labels[5:])
    content = with_static_batch(converted(NETWORKS["per_pixel"][0]))
    nothing = Golden(np.zeros((0, 28, 28), np.uint8), np.zeros((0, 10), np.uint8))
    manifest = dataclasses.replace(facts, labels=labels, schema=2)
    for suffix, text in load_plugin("c").pack(content, manifest, nothing, "model").items():
        (tmp_path / f"model{suffix}").write_bytes(text)
    subprocess.run(["gcc", "-std=c99", *STRICT, "-fsyntax-only", tmp_path / "model.c"], check=True)
    assert load_plugin("c").open(tmp_path / "model.c").manifest.labels == labels


def test_a_missing_header_is_an_error(source: Path, tmp_path: Path) -> None:
    path = copy(source, tmp_path)
    path.with_suffix(".h").unlink()
    with pytest.raises(ArtifactError, match=r"and the \.c file beside it cannot both be read"):
        load_plugin("c").open(path)


def test_without_a_compiler_the_message_has_the_line_that_installs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler.shutil, "which", lambda _: None)
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda _: None)
    find_compiler.cache_clear()
    try:
        with pytest.raises(MissingPackageError, match=r"pip install 'mnist-edge-export\[c\]'") as caught:
            load_plugin("c").convert(None, None, None)  # type: ignore[arg-type]  # it needs a compiler first
        assert caught.value.exit_code == 4
    finally:
        find_compiler.cache_clear()


def test_a_name_that_c_cannot_include_is_an_error(source: Path) -> None:
    with pytest.raises(UsageError, match="C cannot include"):
        c_files(with_static_batch(converted(NETWORKS["depthwise"][0])), 'a"b')


@given(st.lists(st.lists(st.sampled_from([0, 0, 0, 1, 255]), min_size=600, max_size=600), min_size=1, max_size=3))
@settings(max_examples=20)
def test_packed_images_are_unpacked(images: list[list[int]]) -> None:
    pixels = np.array(images, np.uint8)
    assert np.array_equal(unpack_images(pack_images(pixels)), pixels.ravel())


@pytest.mark.parametrize("label", ['"', "\\", "??/", "é", "\n", "7"])
def test_labels_are_c_strings(label: str, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(
        f"#include <stdio.h>\nint main(void) {{ fputs({c_string(label)}, stdout); return 0; }}\n"
    )
    find_compiler().build((tmp_path / "main.c",), tmp_path / "program", "-Wall", "-Werror")
    assert subprocess.run([tmp_path / "program"], capture_output=True, check=True).stdout == label.encode()


@pytest.mark.long
def test_a_folder_that_allows_no_programs_is_named(
    here: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As if temporary files were on a file system without programs."""
    build = compiler.Compiler.build

    def without_permission(self: compiler.Compiler, sources: tuple[Path, ...], program: Path, *flags: str) -> None:
        build(self, sources, program, *flags)
        program.chmod(0o644)

    monkeypatch.setattr(compiler.Compiler, "build", without_permission)
    words = ["--format", "c", "--quantize", "int8", "--data", "digits", "--output", tmp_path / "linear.c"]
    done = here("mnist-export", "linear", *words)
    assert done.returncode == 2
    assert "error: The compiled test program cannot be run from /" in done.stderr
    assert "Permission denied. Set TMPDIR to a folder on a file system that allows programs." in done.stderr


def test_a_full_disk_is_not_the_compilers_fault(tmp_path: Path) -> None:
    """The words are those of gcc on a full disk."""
    words = "a.c:864:1: fatal error: error writing to a.s: No space left on device"
    program = compiler.Compiler((sys.executable, "-c", f"import sys; sys.exit({words!r})"))
    with pytest.raises(MachineError, match="A disk is full"):
        program.build((tmp_path / "a.c",), tmp_path / "a")
