import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.export_cases import EVERY_PAIR
from tests.exporters.targets.test_interpreters import dynamic_dense

from mnist_exporters import FORMATS, ExportReport, Precision
from mnist_exporters.reports.inspection import Inspection
from mnist_runtime import ArtifactError


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_every_export_tells_what_it_is(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    report = exported("cnn", format, precision)
    found = Inspection.of(report.path)
    assert found.sha256 == report.sha256
    assert found.manifest is not None
    assert found.manifest.precision == precision
    assert found.manifest.requires == found.contents.requirements() == report.requires
    assert [name for name, why in found.obstacles.items() if why is None] == list(report.loads_on)
    assert {"c": "mcu"}.get(format, "pi-4") in found.targets
    text = str(found)
    for word in (precision, found.sha256, "<- input", "-> output", *found.contents.operators):
        assert word in text


def test_a_file_of_another_tool_is_read_too(tmp_path: Path) -> None:
    dynamic_dense(tmp_path / "foreign.tflite")
    found = Inspection.of(tmp_path / "foreign.tflite")
    assert found.manifest is None
    assert found.targets == ("pi-3", "pi-4", "pi-5")
    assert "nothing is proven of it" in str(found)


def test_the_command_prints_json_without_tensorflow(run: Callable[..., object], int8_tflite: Path) -> None:
    done = run("mnist-export", "inspect", int8_tflite, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert facts["manifest"]["name"] == "cnn"
    assert facts["obstacles"]["litert"] is None
    loaded = run(
        "python",
        "-c",
        "import sys; from pathlib import Path; from mnist_exporters.reports.inspection import Inspection;"
        f"Inspection.of(Path({str(int8_tflite)!r})); print('tensorflow' in sys.modules)",
    )
    assert loaded.stdout.strip() == "False"


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
@pytest.mark.parametrize("content", [b"", b"no model", bytes(5000)])
def test_what_is_no_model_is_told(run: Callable[..., object], tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactError, match="Expected"):
        Inspection.of(tmp_path / name)


@pytest.mark.parametrize(("name", "code"), [("missing.tflite", 5), ("model.keras", 2), ("model", 2)])
def test_a_path_that_cannot_be_is_told(run: Callable[..., object], tmp_path: Path, name: str, code: int) -> None:
    done = run("mnist-export", "inspect", tmp_path / name)
    assert done.returncode == code
    assert done.stderr.startswith("error: Expected")
    assert done.stdout == ""


def test_a_damaged_export_is_told(int8_tflite: Path, tmp_path: Path) -> None:
    content = bytearray(int8_tflite.read_bytes())
    content[1000] ^= 1
    (tmp_path / "model.tflite").write_bytes(content)
    with pytest.raises(ArtifactError, match="damaged"):
        Inspection.of(tmp_path / "model.tflite")


def test_every_format_has_a_suffix_of_its_own() -> None:
    assert len({row.suffix for row in FORMATS.values()}) == len(FORMATS)
