"""Packages: each is complete, valid for its build system, and its example runs."""

import dataclasses
import email.message
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.shared.c_programs import STRICT

from mnist_exporters import ExportReport, ExportSession, ExportSpec, Precision, UsageError, inspect
from mnist_exporters.formats.packages.package_files import package_files
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.pipeline.staging import StagedExport, check_destination, export_path
from mnist_exporters.spec.package_kind import PACKAGE_KINDS
from mnist_runtime import Golden, OutputError

OF_C = [name for name, kind in PACKAGE_KINDS.items() if kind.format == "c"]

HOST = {
    "arduino": ("examples/classify/classify.ino", "g++", "-x", "c++"),
    "esp-idf": ("examples/classify/main/main.c", "gcc", "-std=c99"),
    "platformio": ("examples/classify/src/main.cpp", "g++", "-std=c++11"),
    "zephyr": ("samples/classify/src/main.c", "gcc", "-std=c99"),
    "cmake": ("example/main.c", "gcc", "-std=c99"),
}
"""Kind of package -> its example, and the compiler for it."""

STUBS = {
    "arduino": (
        "#include <cstdio>\n#include <cstdint>\n"
        "static unsigned long millis() { return 0; }\n"
        "static struct {\n"
        "  void begin(long) {}\n  operator bool() const { return true; }\n"
        "  void print(const char *text) { std::fputs(text, stdout); }\n"
        '  void print(float value, int digits) { std::printf("%.*f", digits, (double)value); }\n'
        "  void println(const char *text) { std::puts(text); }\n"
        '  void println(int value) { std::printf("%d\\n", value); }\n'
        "} Serial;\n"
    ),
    "zephyr": "#include <stdio.h>\n#define printk printf\n",
}
"""Kind of package -> what the system offers that its example calls."""

MAINS = {
    "arduino": "int main() { setup(); loop(); return 0; }\n",
    "esp-idf": "int main(void) { app_main(); return 0; }\n",
}
"""Kind of package -> what the system calls."""


@pytest.fixture(scope="module")
def parts(exported: Callable[..., ExportReport]) -> tuple[bytes, ExportReport]:
    """The model of a ``.tflite`` file and the export of the same model as C code."""
    return load_plugin("tflite").open(exported("tiny", "tflite", Precision.INT8).path).content, exported(
        "tiny", "c", Precision.INT8
    )


@pytest.fixture(scope="module")
def make(parts: tuple[bytes, ExportReport]) -> Callable[[Path, str], Path]:
    """Write a package in a folder and return its folder."""
    model, report = parts
    artifact = load_plugin("c").open(report.path)

    def write(folder: Path, package: str) -> Path:
        spec = ExportSpec("c", "int8", package=package)
        path = export_path(folder / "digits.c", spec, "unused")
        check_destination(path, spec)
        with StagedExport(path, load_plugin("c"), package) as staged:
            staged.write(model, artifact.manifest, artifact.golden)
            staged.commit()
        return folder / "digits"

    return write


def compiled(package: str, folder: Path, build: Path) -> Path:
    """Compile a package's example for this computer, with stubs of its system."""
    example, compiler, *flags = HOST[package]
    program, main = build / "program", build / f"main{'.cpp' if compiler == 'g++' else '.c'}"
    for name in ("Arduino.h", "zephyr/sys/printk.h"):
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        (build / name).write_text(STUBS.get(package, ""))
    before = '#include "Arduino.h"\n' if package == "arduino" else ""
    main.write_text(f'{before}#include "{folder / example}"\n{MAINS.get(package, "")}')
    includes = ["-I", build, "-I", folder / "src"]
    code = build / "digits.o"
    subprocess.run(["gcc", "-std=c99", *STRICT, "-c", folder / "src" / "digits.c", "-o", code], check=True)
    subprocess.run([compiler, *flags, *STRICT, *includes, "-c", main, "-o", build / "main.o"], check=True)
    subprocess.run([compiler, code, build / "main.o", "-o", program], check=True)
    return program


def printed_by(program: Path) -> list[str]:
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
@pytest.mark.parametrize(
    "package",
    [pytest.param(name, marks=() if name in ("arduino", "zephyr") else pytest.mark.slow) for name in OF_C],
)
def test_the_example_reads_its_picture(
    make: Callable[[Path, str], Path], parts: tuple[bytes, ExportReport], tmp_path: Path, package: str
) -> None:
    folder = make(tmp_path, package)
    (tmp_path / "build").mkdir()
    golden = load_plugin("c").open(parts[1].path).golden
    best = golden.scores.max(axis=1).argmax()
    answer = golden.scores[best].argmax()
    share = golden.scores[best].max() / 256
    assert printed_by(compiled(package, folder, tmp_path / "build")) == [
        "self-test: passed",
        f"answer: {answer}, confidence {100 * share:.1f} %, expected {answer}",
    ]


@pytest.mark.parametrize("package", OF_C)
def test_the_package_has_the_proven_files_and_says_what_to_do(
    make: Callable[[Path, str], Path], parts: tuple[bytes, ExportReport], tmp_path: Path, package: str
) -> None:
    folder = make(tmp_path, package)
    found = inspect(folder / "src" / "digits.c")
    assert found.manifest is not None
    assert found.manifest.parity["passed"]
    assert sorted(path.name for path in (folder / "src").iterdir()) == ["digits.c", "digits.h"]
    text = (folder / "README.md").read_text()
    assert PACKAGE_KINDS[package].next_step.format(folder="digits", name="digits") in text
    assert "1,500 test images" in text
    for path in folder.rglob("*"):
        assert path.is_dir() or "{{" not in path.read_text()
    assert os.access(folder, os.R_OK | os.X_OK)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~current_umask()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_arduino_properties_follow_the_library_specification(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    """Every field that Arduino's specification (revision 2.2) requires, and the rules of its names."""
    folder = make(tmp_path, "arduino")
    lines = (folder / "library.properties").read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines)
    needed = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert set(fields) == needed | {"includes"}
    assert all(fields.values())
    assert fields["name"] == folder.name
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9 _.-]{0,62}", fields["name"])
    assert not fields["name"].lower().startswith("arduino")
    assert re.fullmatch(r"\d+\.\d+\.\d+", fields["version"])
    assert fields["category"] == "Data Processing"
    assert fields["url"].startswith("https://")
    assert "example." not in fields["url"]
    assert (folder / "src" / fields["includes"]).is_file()
    for line in (folder / "keywords.txt").read_text().splitlines():
        word, kind = line.split("\t")
        assert kind in {"KEYWORD1", "KEYWORD2", "LITERAL1"}
        assert word in (folder / "src" / "digits.h").read_text()
    sketch = folder / "examples" / "classify"
    assert (sketch / f"{sketch.name}.ino").is_file()


def test_the_address_of_a_library_is_the_home_page_of_this_toolkit(
    make: Callable[[Path, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = email.message.Message()
    stated["Project-URL"] = "Changelog, https://host/changes"
    stated["Project-URL"] = "Homepage, https://host/mnist"
    monkeypatch.setattr("importlib.metadata.metadata", lambda _: stated)
    assert "url=https://host/mnist\n" in (make(tmp_path, "arduino") / "library.properties").read_text()


def test_the_manifest_of_esp_idf_is_valid(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    folder = make(tmp_path, "esp-idf")
    manifest = yaml.safe_load((folder / "idf_component.yml").read_text())
    assert set(manifest) <= {"version", "description", "dependencies", "targets", "maintainers", "url", "license"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert manifest["dependencies"] == {"idf": ">=4.4"}
    assert re.fullmatch(r"[a-z0-9_-]+", folder.name)  # the folder's name is that of the component
    assert f"REQUIRES {folder.name})" in (folder / "examples/classify/main/CMakeLists.txt").read_text()


def test_the_manifest_of_platformio_is_valid(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    folder = make(tmp_path, "platformio")
    manifest = json.loads((folder / "library.json").read_text())
    assert re.fullmatch(r"[^:;/,@<>]{1,100}", manifest["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert 0 < len(manifest["description"]) <= 1000
    assert all(re.fullmatch(r"[a-z\d\-_+. ]{1,50}", word) for word in manifest["keywords"])
    assert (folder / "src" / manifest["headers"][0]).is_file()
    (example,) = manifest["examples"]
    assert all((folder / example["base"] / name).is_file() for name in example["files"])
    text = (folder / example["base"] / "platformio.ini").read_text()
    assert "lib_deps = symlink://../..\n" in text


def test_the_module_of_zephyr_is_valid(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    folder = make(tmp_path, "zephyr")
    module = yaml.safe_load((folder / "zephyr" / "module.yml").read_text())
    assert set(module) == {"name", "build", "samples"}
    assert (folder / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (folder / module["build"]["kconfig"]).is_file()
    assert all((folder / sample / "sample.yaml").is_file() for sample in module["samples"])
    symbol = re.search(r"^config (\w+)$", (folder / "zephyr" / "Kconfig").read_text(), re.MULTILINE)
    assert symbol is not None
    assert f"CONFIG_{symbol[1]}=y" in (folder / "samples/classify/prj.conf").read_text()
    assert f"if(CONFIG_{symbol[1]})" in (folder / "zephyr/CMakeLists.txt").read_text()


needs_cmake = pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed")


@pytest.mark.slow
@needs_cmake
def test_cmake_builds_and_tests_the_package(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    folder, build = make(tmp_path, "cmake"), tmp_path / "build"
    for words in (["cmake", "-S", folder, "-B", build], ["cmake", "--build", build], ["ctest", "--test-dir", build]):
        subprocess.run(words, check=True, capture_output=True)
    assert printed_by(build / "digits_example")[0] == "self-test: passed"


@pytest.mark.slow
@needs_cmake
def test_a_cmake_project_uses_the_package(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    make(tmp_path, "cmake")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(mine C)\nadd_subdirectory(digits)\n"
        "add_executable(mine mine.c)\ntarget_link_libraries(mine PRIVATE digits::model)\n"
    )
    (tmp_path / "mine.c").write_text('#include "digits.h"\nint main(void) { return (int)digits_self_test(); }\n')
    build = tmp_path / "build"
    for words in (["cmake", "-S", tmp_path, "-B", build], ["cmake", "--build", build]):
        subprocess.run(words, check=True, capture_output=True)
    subprocess.run([build / "mine"], check=True)
    assert not (build / "digits" / "digits_example").exists()


IDF = """
macro(idf_component_register)
  cmake_parse_arguments(IDF "" "" "SRCS;INCLUDE_DIRS;REQUIRES" ${ARGN})
  get_filename_component(component ${CMAKE_CURRENT_LIST_DIR} NAME)
  add_library(${component} STATIC ${IDF_SRCS})
  target_include_directories(${component} PUBLIC ${IDF_INCLUDE_DIRS})
  target_link_libraries(${component} PUBLIC ${IDF_REQUIRES})
endmacro()
"""
IDF_PROJECT = IDF + (
    "macro(project name)\n  _project(${name} C)\n"
    "  foreach(folder ${EXTRA_COMPONENT_DIRS} main)\n"
    "    get_filename_component(folder ${folder} ABSOLUTE)\n    get_filename_component(name_of ${folder} NAME)\n"
    "    add_subdirectory(${folder} ${CMAKE_BINARY_DIR}/${name_of})\n  endforeach()\n"
    '  file(WRITE ${CMAKE_BINARY_DIR}/start.c "void app_main(void); int main(void) { app_main(); return 0; }")\n'
    "  add_executable(program ${CMAKE_BINARY_DIR}/start.c)\n  target_link_libraries(program main)\nendmacro()\n"
)


@pytest.mark.slow
@needs_cmake
def test_the_cmake_files_of_esp_idf_build_the_example(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    """`project.cmake` stands in for ESP-IDF's, with components in folders of their names."""
    folder, build, idf = make(tmp_path, "esp-idf"), tmp_path / "build", tmp_path / "idf"
    (idf / "tools" / "cmake").mkdir(parents=True)
    (idf / "tools" / "cmake" / "project.cmake").write_text(IDF_PROJECT)
    environment = {**os.environ, "IDF_PATH": str(idf)}
    for words in (["cmake", "-S", folder / "examples" / "classify", "-B", build], ["cmake", "--build", build]):
        subprocess.run(words, check=True, capture_output=True, env=environment)
    assert printed_by(build / "program")[0] == "self-test: passed"


def test_a_second_export_replaces_the_package_and_keeps_other_files(
    make: Callable[[Path, str], Path], tmp_path: Path
) -> None:
    folder = make(tmp_path, "cmake")
    (folder / "src" / "digits.c").write_text("damaged")
    (folder / "mine.txt").write_text("mine")
    make(tmp_path, "cmake")
    assert inspect(folder / "src" / "digits.c").manifest is not None
    assert (folder / "mine.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits"]


def test_a_folder_of_other_files_is_not_written_into(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "README.md").write_text("mine")
    with pytest.raises(UsageError, match="is no earlier cmake package"):
        make(tmp_path, "cmake")
    (tmp_path / "digits" / "README.md").unlink()
    make(tmp_path, "cmake")  # an empty folder is filled
    for other in set(OF_C) - {"cmake"}:
        with pytest.raises(UsageError, match=f"is no earlier {other} package"):
            make(tmp_path, other)


def test_a_file_in_the_place_of_the_folder_is_an_error(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    (tmp_path / "digits").write_text("mine")
    with pytest.raises(UsageError, match="is a file, but the package is a folder"):
        make(tmp_path, "cmake")


def test_what_fails_leaves_nothing(
    make: Callable[[Path, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder appears when it is complete."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OutputError, match="No space left"):
        make(tmp_path, "cmake")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ("here", "here/zephyr/my_net_int8/src/my_net_int8.c"),
        ("7 up.c", "model_7_up/src/model_7_up.c"),
        ("here/digits/src/digits.c", "here/digits/src/digits.c"),
        ("here/src/digits.c", "here/src/digits/src/digits.c"),
    ],
)
def test_the_path_of_a_package(output: str, path: str) -> None:
    spec = ExportSpec("c", "int8", package="zephyr")
    found = export_path(Path(output), spec, "my net")
    assert found == Path(path)
    assert export_path(found, spec, "my net") == found


@pytest.mark.parametrize(("package", "longest"), [("arduino", 63), ("platformio", 50), ("npm", 214), ("zephyr", None)])
def test_a_name_that_the_build_system_rejects_is_reported_before_anything_else(
    package: str, longest: int | None
) -> None:
    format = PACKAGE_KINDS[package].format
    spec, suffix = ExportSpec(format, "int8", package=package), ".c" if format == "c" else ".html"
    export_path(Path("d" * (longest or 250) + suffix), spec, "unused")
    if longest is not None:
        with pytest.raises(UsageError, match=rf"has {longest + 1} characters, but .* Give a shorter name: --output"):
            export_path(Path("d" * (longest + 1) + suffix), spec, "unused")


def test_a_package_is_for_its_format() -> None:
    with pytest.raises(UsageError, match=r"of c files, not of tflite files\. Give --format c"):
        ExportSpec("tflite", "int8", package="arduino")
    with pytest.raises(UsageError, match=r"no package 'arduno'\. Choose one of: arduino, "):
        ExportSpec("c", "int8", package="arduno")


def test_any_task_and_any_label_is_rendered(parts: tuple[bytes, ExportReport]) -> None:
    """Labels stay out of comments and are C strings."""
    artifact = load_plugin("c").open(parts[1].path)
    labels = tuple(f'*/ "{number}" ??/' for number in range(10))
    manifest = dataclasses.replace(artifact.manifest, labels=labels)
    golden = Golden(artifact.golden.images, artifact.golden.scores)
    files = package_files("cmake", "digits", manifest, golden)
    picture = files["example/picture.h"].decode()
    assert r"\"" in picture
    assert picture.count("*/") == 3  # two comments and the label
    numbers = re.search(r"picture\[\] = \{([\d,\s]+)\}", picture)
    assert numbers is not None
    pixels = np.array([int(number) for number in numbers[1].split(",")], np.uint8)
    assert (pixels == artifact.golden.images.reshape(len(artifact.golden.images), -1)).all(axis=1).any()


@pytest.mark.long
def test_a_session_exports_a_package(sessions: Callable[[str], ExportSession], tmp_path: Path) -> None:
    report = sessions("tiny").export(ExportSpec("c", "int8", package="arduino"), tmp_path)
    assert report.path == tmp_path / "arduino" / "tiny_int8" / "src" / "tiny_int8.c"
    assert report.as_dict()["package"] == {"kind": "arduino", "path": str(tmp_path / "arduino" / "tiny_int8")}
    assert load_plugin("c").open(report.path).manifest.parity["passed"]


@pytest.mark.slow
def test_the_command_prints_the_folder_and_what_to_do_with_it(
    here: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    words = ("linear", "--data", "digits", "--format", "c", "--quantize", "--package", "zephyr", "--output", tmp_path)
    done = here("mnist-export", *words)
    folder = tmp_path / "zephyr" / "linear_int8"
    assert (done.returncode, done.stdout) == (0, f"{folder}\n"), done.stderr
    assert f"west build -b BOARD {folder}/samples/classify" in done.stderr
