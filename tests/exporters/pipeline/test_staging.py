"""Where exports are written, and where nothing is replaced."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mnist_exporters import ExportSpec
from mnist_exporters.errors import UsageError
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.pipeline.staging import StagedExport, check_destination, export_path, package_folder
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


KILLED = """
import os, pathlib, signal, sys
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.pipeline.staging import StagedExport
with StagedExport(pathlib.Path(sys.argv[1]), load_plugin("onnx")):
    os.kill(os.getpid(), signal.SIGTERM)
"""


def test_what_a_killed_program_left_is_removed_a_day_later(tmp_path: Path) -> None:
    destination, plugin = tmp_path / "net.onnx", load_plugin("onnx")
    subprocess.run([sys.executable, "-c", KILLED, str(destination)], check=False)
    (left,) = tmp_path.iterdir()
    (left / "net.onnx").touch()
    with StagedExport(destination, plugin):
        assert left.is_dir(), "it may be that of an export that is running"
    yesterday = time.time() - 25 * 3600
    kept = [tmp_path / name for name in (".mnist-notes", ".mnist-abcdefg1", ".mnist-abcdefg2")]
    kept[0].mkdir()
    kept[1].touch()
    (tmp_path / "elsewhere").mkdir()
    kept[2].symlink_to(tmp_path / "elsewhere")
    for path in (left, *kept[:2], tmp_path / "elsewhere"):
        os.utime(path, (yesterday, yesterday))
    with StagedExport(destination, plugin):
        assert not left.exists()
    assert sorted(tmp_path.iterdir()) == sorted([*kept, tmp_path / "elsewhere"])


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a folder to another user")
def test_what_another_user_left_stays(tmp_path: Path) -> None:
    left = tmp_path / ".mnist-abcdefg1"
    left.mkdir()
    os.chown(left, 12345, 12345)
    os.utime(left, (0, 0))
    with StagedExport(tmp_path / "net.onnx", load_plugin("onnx")):
        assert left.is_dir()
