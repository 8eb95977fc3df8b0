"""`BACKENDS` and the choice of a backend."""

import dataclasses
import importlib.machinery
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from tests.shared.backend_cases import EVERY_BACKEND

from mnist_runtime import BACKENDS, ArtifactError, BackendError, Classifier, UsageError
from mnist_runtime.backends.registry import (
    BackendRow,
    backend_version,
    choose_backend,
    load_backend,
    unsupported_reason,
)
from mnist_runtime.errors import MachineError


def hide(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in modules else find(name))


def system(monkeypatch: pytest.MonkeyPatch, machine: str, python: tuple[int, int]) -> None:
    """Pretend to be another machine with another Python."""
    is_64_bit = machine in ("x86_64", "aarch64")
    there = {"machine": machine, "python": python, "is_64_bit": is_64_bit}
    here = BackendRow.no_wheel_reason
    monkeypatch.setattr(BackendRow, "no_wheel_reason", lambda row, **other: here(row, **{**there, **other}))


@pytest.fixture
def everything_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that every interpreter is installed and none is loaded."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: importlib.machinery.ModuleSpec("found", None))
    for row in BACKENDS.values():
        if row.extra:
            monkeypatch.delitem(sys.modules, row.module, raising=False)


@pytest.mark.usefixtures("everything_installed")
def test_the_first_installed_is_chosen() -> None:
    assert choose_backend(("tflite",)) == "litert"
    assert choose_backend(("onnx",)) == "onnxruntime"


@pytest.mark.usefixtures("everything_installed")
def test_the_next_replaces_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "ai_edge_litert")
    monkeypatch.setitem(sys.modules, "tensorflow", sys)  # tflite-runtime cannot share a process with it
    assert choose_backend(("tflite", "onnx")) == "onnxruntime"


@pytest.mark.parametrize("name", [name for name, row in BACKENDS.items() if row.extra])
def test_a_missing_backend_has_an_install_command(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    row = BACKENDS[name]
    hide(monkeypatch, row.module)
    system(monkeypatch, "x86_64", (3, 11))
    with pytest.raises(BackendError) as caught:
        choose_backend((row.format,), name)
    assert str(caught.value) == f"{name} is not installed. Install it with: {row.install_command}"
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("name", "machine", "python", "precision", "words"),
    [
        ("tflite-runtime", "x86_64", (3, 13), "int8", "above Python 3.11. Here, this file runs in litert or numpy."),
        ("tflite-runtime", "aarch64", (3, 12), "float32", "above Python 3.11. Here, this file runs in litert."),
        ("litert", "armv7l", (3, 11), "float32", "for armv7l. Here, this file runs in tflite-runtime."),
        ("litert", "armv6l", (3, 13), "float32", "for armv6l. Export the model as an int8 .tflite file"),
        ("onnxruntime", "armv7l", (3, 11), "int8", "for armv7l, but Debian 13 has python3-onnxruntime. Export the"),
        ("onnxruntime", "armv6l", (3, 11), "int8", "for armv6l. Export the model as an int8 .tflite file"),
    ],
)
def test_a_backend_without_a_wheel_is_not_advised(
    monkeypatch: pytest.MonkeyPatch, name: str, machine: str, python: tuple[int, int], precision: str, words: str
) -> None:
    """The advice to install it would lead to the same error again."""
    hide(monkeypatch, BACKENDS[name].module)
    system(monkeypatch, machine, python)
    with pytest.raises(BackendError) as caught:
        choose_backend((BACKENDS[name].format,), name, precision)
    assert f"{name} is not installed, and no wheel exists {words}" in str(caught.value)
    assert "pip install" not in str(caught.value)


def test_without_any_wheel_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, *(row.module for row in BACKENDS.values()))
    system(monkeypatch, "armv6l", (3, 13))
    with pytest.raises(BackendError, match="which runs without an interpreter") as caught:
        choose_backend(("onnx",), precision="float32")
    assert "pip install" not in str(caught.value)


def test_one_that_can_be_installed_is_advice_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, *(row.module for row in BACKENDS.values()))
    system(monkeypatch, "x86_64", (3, 13))
    with pytest.raises(BackendError) as caught:
        choose_backend(("tflite",), precision="float32")
    assert str(caught.value).endswith("no wheel exists above Python 3.11.")
    assert BACKENDS["litert"].install_command in str(caught.value)


@pytest.mark.parametrize(
    ("machine", "words"),
    [("aarch64", "for armv7l, but"), ("ARM64", "for armv7l, but"), ("x86_64", "for a 32-bit system")],
)
def test_a_32_bit_system_on_a_64_bit_kernel_has_other_wheels(machine: str, words: str) -> None:
    row = BACKENDS["onnxruntime"]
    assert row.no_wheel_reason(machine=machine, python=(3, 11), is_64_bit=True) is None
    found = row.no_wheel_reason(machine=machine, python=(3, 11), is_64_bit=False)
    assert found is not None
    assert found.startswith(f"no wheel exists {words}")


def test_without_any_backend_every_install_command_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, *(row.module for row in BACKENDS.values()))
    system(monkeypatch, "x86_64", (3, 11))
    with pytest.raises(BackendError, match="float32 tflite or onnx files") as caught:
        choose_backend(("tflite", "onnx"), precision="float32")
    assert all(row.install_command in str(caught.value) for row in BACKENDS.values() if row.extra)


def test_without_interpreters_numpy_runs_int8_files(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, *(row.module for row in BACKENDS.values()))
    assert choose_backend(("tflite", "onnx"), precision="int8") == "numpy"
    assert Classifier.load().backend_name == "numpy"


def test_numpy_is_rejected_for_other_precisions() -> None:
    with pytest.raises(UsageError, match=r"'numpy' does not run float32 tflite files\. Use litert or tflite-runtime"):
        choose_backend(("tflite",), "numpy", "float32")


def test_two_tflite_interpreters_never_share_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: importlib.machinery.ModuleSpec("found", None))
    monkeypatch.setattr(np, "__version__", "1.26.4")
    monkeypatch.setitem(sys.modules, "ai_edge_litert", sys)
    with pytest.raises(BackendError, match="cannot share a process with ai_edge_litert"):
        choose_backend(("tflite",), "tflite-runtime")
    assert choose_backend(("tflite",), "tflite-runtime", in_this_process=False) == "tflite-runtime"
    monkeypatch.setitem(sys.modules, "tflite_runtime", sys)
    with pytest.raises(BackendError, match="litert cannot share a process with tflite_runtime"):
        choose_backend(("tflite",), "litert")


def test_tflite_runtime_is_not_used_with_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: importlib.machinery.ModuleSpec("found", None))
    monkeypatch.setattr(np, "__version__", "2.1.0")
    with pytest.raises(BackendError, match=r"pip install .* 'numpy<2'"):
        choose_backend(("tflite",), "tflite-runtime")


def test_an_unknown_or_unsuitable_backend_raises_a_usage_error(ready: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="Use litert or tflite-runtime"):
        choose_backend(("tflite",), "onnxruntime")
    with pytest.raises(UsageError, match="The backend 'torch' does not run"):
        Classifier.load(ready["onnx"], backend="torch")


def test_an_unknown_format_needs_an_update() -> None:
    with pytest.raises(ArtifactError, match="No backend runs tosa files"):
        choose_backend(("tosa",))


@pytest.mark.parametrize("name", EVERY_BACKEND)
def test_every_backend_has_a_version(name: str) -> None:
    assert backend_version(name)[0].isdecimal()


def test_the_version_of_another_distribution_is_that_of_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dataclasses.replace(BACKENDS["litert"], package="a-name-in-debian", module="numpy")
    monkeypatch.setitem(BACKENDS, "litert", row)
    assert backend_version("litert") == np.__version__


def test_a_lack_of_memory_does_not_mark_a_backend_as_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def starved(content: bytes, shape: tuple[int, ...]) -> object:
        raise ImportError("libtflite.so: cannot map: Cannot allocate memory")

    row = dataclasses.replace(BACKENDS["litert"], load=starved, module="numpy", clashes=())
    monkeypatch.setitem(BACKENDS, "litert", row)
    monkeypatch.setattr("mnist_runtime.backends.registry.BROKEN", {})
    with pytest.raises(MachineError):
        load_backend("litert", b"")
    assert unsupported_reason("litert") is None


@pytest.mark.parametrize("kind", [ImportError, OSError, SystemError])
def test_a_backend_that_does_not_start_is_skipped_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def broken(content: bytes, shape: tuple[int, ...]) -> object:
        raise kind("libc.so.6: version `GLIBC_2.34' not found")

    # With a module that is always installed, so that the test needs no interpreter.
    row = BACKENDS["litert"]
    monkeypatch.setitem(BACKENDS, "litert", dataclasses.replace(row, load=broken, module="numpy", clashes=()))
    # Once loaded, tflite-runtime would keep LiteRT out of the later tests of this process.
    runtime = dataclasses.replace(BACKENDS["tflite-runtime"], module="not_installed")
    monkeypatch.setitem(BACKENDS, "tflite-runtime", runtime)  # a deleted row would come back as the last one
    monkeypatch.setattr("mnist_runtime.backends.registry.BROKEN", {})
    with pytest.warns(RuntimeWarning, match="litert is installed but does not start .*GLIBC.* Trying the next backend"):
        first = Classifier.load()
    assert first.backend_name != "litert"
    assert Classifier.load().backend_name == first.backend_name  # a second warning would be an error
    with pytest.raises(BackendError, match="litert is installed but does not start"):
        Classifier.load(backend="litert")


@pytest.mark.parametrize("python", [(3, 10), (3, 11), (3, 12), (3, 13), (3, 14)])
@pytest.mark.parametrize("name", [name for name, row in BACKENDS.items() if row.extra])
def test_the_extra_installs_the_versions_of_the_row(name: str, python: tuple[int, int]) -> None:
    row = BACKENDS[name]
    pyproject = Path(__file__).parents[3] / "runtime" / "pyproject.toml"
    tomllib = pytest.importorskip("tomllib")
    lines = tomllib.loads(pyproject.read_text())["project"]["optional-dependencies"][row.extra]
    environment = {"python_version": ".".join(map(str, python))}
    found = [each for each in map(Requirement, lines) if each.marker is None or each.marker.evaluate(environment)]
    wanted = {row.package: row.versions}
    if row.numpy_below_2:
        wanted["numpy"] = "<2"
    if python > row.newest_python:  # then the extra installs the preferred backend of the same format
        other = next(each for each in BACKENDS.values() if each.format == row.format)
        wanted = {other.package: other.versions}
    assert {each.name: str(each.specifier) for each in found} == wanted
