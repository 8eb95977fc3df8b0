"""The report of an export as text, as JSON and as the message of a refusal."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_exporters import ExportReport, Parity, Reference, RefusedError
from mnist_exporters.proof.repair import Repair
from mnist_exporters.spec.package_kind import PackageFolder
from mnist_exporters.spec.processor_memory import ProcessorMemory
from mnist_exporters.spec.treatment import PLAIN
from mnist_exporters.targets.ethos_u import NpuMemory

LABELS = (np.arange(1500) % 10).astype(np.uint8)
IMAGES = np.random.default_rng(0).integers(0, 256, (1500, 28, 28), np.uint8)
SCORES = np.eye(10, dtype=np.float32)[LABELS]
REFERENCE = Reference("made up", IMAGES, LABELS, SCORES)


def report(scores: np.ndarray = SCORES, **facts: Any) -> ExportReport:
    given = {
        "path": Path("digits.tflite"),
        "format": "tflite",
        "precision": "int8",
        "size_bytes": 23456,
        "model_bytes": 12345,
        "sha256": "ab",
        "input_dtype": "int8",
        "output_dtype": "uint8",
        "pixel_range": "0..1",
        "loads_on": (),
        "requires": {},
        "parity": Parity.compare(REFERENCE, scores, 0.005),
        "seconds": 3.25,
        "seconds_converting": 1.0,
        "scores": scores,
    }
    return ExportReport(**{**given, **facts})


def test_each_fact_has_its_line() -> None:
    npu = NpuMemory("ethos-u55-128", 5000, 6000, "Vela 4")
    lines = str(report(left_out=1, requires={"arena_bytes": 7890}, npu=npu)).splitlines()
    assert lines[0].startswith("tflite int8: ")
    for line in (
        "  size       23,456 bytes (model 12,345)",
        "  types      int8 in, uint8 out",
        "  memory     arena of 7,890 bytes",
        f"  NPU        {npu}",
        "  left out   1 training image that is also a test image",
        "  time       3.2 s",
    ):
        assert line in lines
    assert "  left out   2 training images that are also test images" in str(report(left_out=2)).splitlines()
    for word in ("memory", "NPU", "left out", "repaired"):
        assert f"  {word} " not in str(report())


def test_memory_of_c_code_has_a_line_for_each_processor_or_says_what_measures_it() -> None:
    processors = tuple(ProcessorMemory(f"cortex-m{number}", 30000, 7000, "zig") for number in (0, 4))
    code = {"format": "c", "path": Path("digits.c")}
    assert f"  memory     {processors[0]}\n             {processors[1]}\n" in str(report(**code, processors=processors))
    assert "  memory     Measuring it needs ziglang. Install with:\n             pip install" in str(report(**code))
    assert "  memory " not in str(report(**code | {"path": None})), "nothing was written"


def test_the_json_has_everything_but_the_scores() -> None:
    found = report(
        processors=(ProcessorMemory("cortex-m4", 30000, 7000, "zig"),),
        npu=NpuMemory("ethos-u55-128", 5000, 6000, "Vela 4"),
        package=PackageFolder("arduino", Path("digits")),
        left_out=3,
        repair=Repair("logits out", "the last activation is float32", PLAIN),
    )
    facts = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert set(facts) == {field.name for field in dataclasses.fields(ExportReport)} - {"scores"}
    assert facts["path"] == "digits.tflite"
    assert facts["package"] == {"kind": "arduino", "path": "digits"}
    assert facts["processors"][0]["flash_bytes"] == 30000
    assert facts["npu"]["sram_bytes"] == 5000
    assert facts["repair"]["name"] == "logits out"
    assert "  repaired   logits out: the last activation is float32\n" in str(found)
    assert facts["parity"]["passed"] is True
    plain = report(path=None).as_dict()
    assert {plain[name] for name in ("path", "package", "npu", "repair")} == {None}


@pytest.mark.parametrize("is_there", [True, False])
def test_a_refusal_has_the_reasons_the_advice_and_an_older_file(is_there: bool, tmp_path: Path) -> None:
    refused = report(SCORES[:, ::-1], path=None, advice="Try float16.")
    if is_there:
        (tmp_path / "digits.tflite").touch()
    error = RefusedError(refused, tmp_path / "digits.tflite")
    assert (error.report, error.exit_code) == (refused, 3)
    older = f" The file {tmp_path / 'digits.tflite'} is from an earlier export." if is_there else ""
    reasons = " ".join(refused.parity.reasons)
    assert str(error) == f"tflite int8 is refused and not written. {reasons} Try float16.{older}"
    assert RefusedError("The original is bad.").report is None
