"""Where exports are written, and where nothing is replaced."""

import sys
from pathlib import Path

import pytest

from mnist_exporters import ExportSpec
from mnist_exporters.errors import UsageError
from mnist_exporters.pipeline.staging import check_destination, export_path, package_folder
from mnist_exporters.spec.package_kind import PACKAGE_KINDS


@pytest.mark.parametrize("kind", ["arduino", "cmake", "zephyr"])
def test_a_library_of_another_author_is_no_earlier_package(kind: str, tmp_path: Path) -> None:
    """It may have the name of the package and the file by which a package is known, but not the model."""
    spec = ExportSpec("c", "int8", package=kind)
    path = export_path(tmp_path, spec, "net")
    mark = package_folder(path, kind) / PACKAGE_KINDS[kind].mark
    package_folder(path, kind).mkdir(parents=True)
    check_destination(path, spec)
    mark.parent.mkdir(exist_ok=True)
    mark.write_text("name=net_int8\n")
    with pytest.raises(UsageError, match=f"exists and is no earlier {kind} package of this name"):
        check_destination(path, spec)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    check_destination(path, spec)


def test_a_folder_may_have_the_ending_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "models.onnx").mkdir()
    (tmp_path / "models.h").mkdir()
    spec = ExportSpec("onnx", "int8")
    for name in ("models.onnx", "models.h"):
        assert export_path(tmp_path / name, spec, "net") == tmp_path / name / "net-int8.onnx"
    for name in ("net.tflite", "net.h", "net.c", "net.cc"):
        with pytest.raises(UsageError, match="is not a name for a onnx file"):
            export_path(tmp_path / name, spec, "net")
    assert export_path(tmp_path / "v1.2", spec, "net") == tmp_path / "v1.2" / "net-int8.onnx"


@pytest.mark.parametrize(("format", "suffix"), [("c", ".c"), ("tflm", ".h")])
@pytest.mark.parametrize("stem", ['a"b', "a\\b", "a\nb"])
def test_a_name_that_c_cannot_include_is_an_error_before_the_work(
    format: str, suffix: str, stem: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"C cannot include .* Give another name with --output"):
        check_destination(tmp_path / f"{stem}{suffix}", ExportSpec(format, "int8"))
    check_destination(tmp_path / f"{stem}.tflite", ExportSpec("tflite", "int8"))


@pytest.mark.parametrize(("format", "name", "beside"), [("c", "net.c", "net.h"), ("tflm", "net.h", "net.cc")])
def test_a_folder_in_the_place_of_the_second_file_is_an_error_before_the_work(
    format: str, name: str, beside: str, tmp_path: Path
) -> None:
    (tmp_path / beside).mkdir()
    with pytest.raises(UsageError, match=f"{beside} is a folder. Move it away"):
        check_destination(tmp_path / name, ExportSpec(format, "int8"))


def test_a_folder_beside_a_package_may_have_the_name_of_its_file(tmp_path: Path) -> None:
    spec = ExportSpec("c", "int8", package="arduino")
    path = export_path(tmp_path, spec, "net")
    (tmp_path / "arduino" / path.name).mkdir(parents=True)
    check_destination(path, spec)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc exists, but takes no files")
@pytest.mark.parametrize("package", [None, "cmake"])
def test_a_folder_that_only_looks_writable_is_an_error_before_the_work(package: str | None) -> None:
    spec = ExportSpec("c", "int8", package=package)
    path = export_path(Path("/proc/net1.c"), spec, "net")
    with pytest.raises(UsageError, match=r"/proc.* Choose another "):
        check_destination(path, spec)
