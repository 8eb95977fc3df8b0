import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared.export_cases import EACH_READY

from mnist_exporters import Calibration, ExportReport, ExportSpec, Original, Precision, UsageError
from mnist_exporters.errors import OperatorError
from mnist_exporters.formats.c_pair import identifier
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.tflm.interpreter import MicroInterpreter, arena_bytes_needed
from mnist_runtime import ArtifactError, Classifier
from mnist_runtime.backends.tflite import load_litert
from mnist_trainer import Splits

PROGRAM = r"""
#include <stddef.h>
#include <stdio.h>
#include "cnn-int8-tflm.h"
int main(void) {
  size_t i;
  if ((size_t)cnn_int8_tflm_model % CNN_INT8_TFLM_ALIGNMENT != 0) return 1;
  for (i = 0; i < CNN_INT8_TFLM_MODEL_BYTES; i++) printf("%d\n", cnn_int8_tflm_model[i]);
  printf("%s %s ", cnn_int8_tflm_labels[0], cnn_int8_tflm_labels[CNN_INT8_TFLM_LABEL_COUNT - 1]);
  printf("%d %g %d\n", cnn_int8_tflm_golden_count,
         (double)CNN_INT8_TFLM_INPUT_SCALE, CNN_INT8_TFLM_INPUT_ZERO_POINT);
  return 0;
}
"""

RUN_IN_ARENA = """
import sys
from pathlib import Path
from mnist_exporters.formats.tflm.interpreter import MicroInterpreter
from mnist_exporters.formats.plugin import load_plugin
artifact = load_plugin("tflm").open(Path(sys.argv[1]))
MicroInterpreter(artifact.content, int(sys.argv[2])).run((artifact.golden.images[..., None] - 128).astype("int8"))
"""


@pytest.fixture(scope="module")
def pair(exported: Callable[..., ExportReport]) -> Path:
    path = exported("cnn", "tflm", Precision.INT8).path
    assert path is not None
    return path


def compile_and_run(folder: Path, *command: str) -> str:
    (folder / "main.c").write_text(PROGRAM)
    strict = ("-Wall", "-Wextra", "-pedantic", "-Werror", "-I", str(folder))
    subprocess.run([*command, *strict, str(folder / "main.c"), "-o", str(folder / "program")], check=True)
    return subprocess.run([str(folder / "program")], check=True, capture_output=True, text=True).stdout


@pytest.mark.long
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_the_header_alone_is_strict_c99(pair: Path, tmp_path: Path) -> None:
    strict = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-x", "c")
    done = subprocess.run(["gcc", *strict, str(pair)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
@pytest.mark.parametrize("command", [("gcc", "-std=c99", "-x", "c"), ("g++", "-std=c++11", "-x", "c++")])
def test_a_compiled_program_contains_the_model(pair: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    printed = compile_and_run(tmp_path, *command, "-I", str(pair.parent), str(pair.with_suffix(".cc"))).splitlines()
    assert bytes(int(line) for line in printed[:-1]) == load_plugin("tflm").open(pair).content
    assert printed[-1] == "0 9 10 0.00392157 -128"


@pytest.mark.long
@pytest.mark.parametrize("model", EACH_READY)
def test_the_array_answers_as_the_int8_tflite_file(
    exported: Callable[..., ExportReport], digits: Splits, tmp_path: Path, model: str
) -> None:
    """The kernels for microcontrollers round differently from LiteRT's, but almost all answers are equal."""
    micro = load_plugin("tflm").load(exported(model, "tflm", Precision.INT8).path)
    assert (micro.manifest.input["dtype"], micro.manifest.output["dtype"]) == ("int8", "int8")
    device = Classifier.load(exported(model, "tflite", Precision.INT8).path)
    images = digits.test.images[:300]
    assert np.mean(micro.predict(images) == device.predict(images)) >= 0.99


def test_the_arena_size_in_the_header_is_enough_and_not_too_large(run: Callable[..., object], pair: Path) -> None:
    """Each size is tried in a separate process, because the interpreter crashes in some arenas that are too small."""
    arena = load_plugin("tflm").open(pair).manifest.requires["arena_bytes"]
    assert f"#define CNN_INT8_TFLM_ARENA_BYTES {arena}\n" in pair.read_text()
    for fraction, works in ((1.0, True), (0.97, False)):
        done = run("python", "-c", RUN_IN_ARENA, pair, int(arena * fraction))
        assert (done.returncode == 0) == works


def test_a_model_that_microcontrollers_cannot_run_is_an_error(exported: Callable[..., ExportReport]) -> None:
    report = exported("cnn", "tflite", Precision.FLOAT16)
    with pytest.raises(OperatorError, match="Micro cannot run this model"):
        load_plugin("tflm").read(report.path.read_bytes())


@pytest.mark.slow
def test_layers_that_treat_all_steps_alike_run_in_tensorflow_lite_micro(digits: Splits) -> None:
    """The file's shapes are those of one image; in a network of many operators, planning needs more than running."""
    keras.utils.set_random_seed(0)
    steps = [keras.layers.TimeDistributed(keras.layers.Dense(4)), keras.layers.GRU(4), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Reshape((7, 112)), *steps])
    original = Original.from_keras(model, digits.test, pixel_range="0..1")
    plugin, calibration = load_plugin("tflm"), Calibration.draw(digits.train, 50, 0)
    content = plugin.convert(original, ExportSpec("tflm", Precision.INT8), calibration)
    images = digits.test.images[:20, ..., None]
    micro = MicroInterpreter(content, arena_bytes_needed(content)).run((images.astype(int) - 128).astype(np.int8))
    lite = load_litert(content).run((images.astype(int) - 128).astype(np.int8))
    assert np.abs(micro.astype(int) - lite).max() <= 2


def test_the_report_states_the_arena(exported: Callable[..., ExportReport]) -> None:
    report = exported("cnn", "tflm", Precision.INT8)
    assert f"arena of {report.requires['arena_bytes']:,} bytes" in str(report)
    assert 5_000 < report.requires["arena_bytes"] < 40_000
    assert report.loads_on == ("tflite-micro",)


def copy(pair: Path, folder: Path) -> Path:
    for suffix in (".h", ".cc"):
        shutil.copy(pair.with_suffix(suffix), folder)
    return folder / pair.name


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_changed_character_is_an_error(
    pair: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = copy(pair, tmp_path_factory.mktemp("changed")).with_suffix(data.draw(st.sampled_from([".h", ".cc"])))
    text = path.read_text()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii", exclude_characters="\r" + text[place]))
    path.write_text(text[:place] + other + text[place + 1 :])
    with pytest.raises(ArtifactError, match="Export them again"):
        load_plugin("tflm").open(path.with_suffix(".h"))


@pytest.mark.long
def test_files_of_two_exports_are_rejected_by_plugin_and_compiler(
    exported: Callable[..., ExportReport], pair: Path, tmp_path: Path
) -> None:
    path = copy(pair, tmp_path)
    other = exported("mlp", "tflm", Precision.INT8).path.with_suffix(".cc").read_text()
    path.with_suffix(".cc").write_text(other.replace("mlp-int8", "cnn-int8").replace("mlp_int8", "cnn_int8"))
    with pytest.raises(ArtifactError, match="come from different exports"):
        load_plugin("tflm").open(path)
    if shutil.which("gcc"):
        upper = path.with_suffix(".cc").read_text().replace("MLP_INT8_TFLM", "CNN_INT8_TFLM")
        path.with_suffix(".cc").write_text(upper)
        done = subprocess.run(
            ["gcc", "-x", "c", "-E", str(path.with_suffix(".cc")), "-o", "/dev/null"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "come from different exports" in done.stderr


def test_a_missing_source_file_is_an_error(pair: Path, tmp_path: Path) -> None:
    path = copy(pair, tmp_path)
    path.with_suffix(".cc").unlink()
    with pytest.raises(ArtifactError, match=re.escape("and the .cc file beside it cannot both be read")):
        load_plugin("tflm").open(path)


@pytest.mark.parametrize("stem", ['a"b', "a\\b", "a\nb"])
def test_a_name_that_c_cannot_include_is_an_error(pair: Path, stem: str) -> None:
    artifact = load_plugin("tflm").open(pair)
    with pytest.raises(UsageError, match="C cannot include"):
        load_plugin("tflm").pack(artifact.content, artifact.manifest, artifact.golden, stem)


@pytest.mark.parametrize(
    ("stem", "name"),
    [("cnn-int8", "cnn_int8"), ("7 Up!", "model_7_up_"), ("_x", "model__x"), ("é", "model__")],
)
def test_any_file_name_becomes_a_c_identifier(stem: str, name: str) -> None:
    assert identifier(stem) == name
    assert re.fullmatch("[a-z][a-z0-9_]*", name)
