import pytest

from mnist_runtime import BACKENDS
from mnist_runtime.device.installation import WHEELS, best_extra, how_to_install


def test_every_interpreter_with_wheels_is_a_backend() -> None:
    assert set(WHEELS) <= set(BACKENDS)


@pytest.mark.parametrize(
    ("backend", "machine", "python", "is_64_bit", "line"),
    [
        ("litert", "aarch64", (3, 11), True, "pip install 'mnist-runtime[litert]'"),
        ("litert", "aarch64", (3, 13), True, "pip install 'mnist-runtime[litert]'"),
        ("litert", "aarch64", (3, 11), False, "has no wheel for armv7l"),
        ("litert", "x86_64", (3, 11), False, "has no wheel for a 32-bit system"),
        ("litert", "AMD64", (3, 15), True, "has no wheel above Python 3.14"),
        ("tflite-runtime", "aarch64", (3, 11), False, "pip install 'mnist-runtime[tflite]'"),
        ("tflite-runtime", "armv7l", (3, 11), False, "pip install 'mnist-runtime[tflite]'"),
        ("tflite-runtime", "armv7l", (3, 13), False, "has no wheel above Python 3.11"),
        ("tflite-runtime", "armv6l", (3, 11), False, "has no wheel for armv6l"),
        ("onnxruntime", "armv7l", (3, 11), False, "has no wheel for armv7l"),
        ("onnxruntime", "arm64", (3, 12), True, "pip install 'mnist-runtime[onnx]'"),
    ],
)
def test_each_kind_of_pi_is_told_its_line(
    backend: str, machine: str, python: tuple[int, int], is_64_bit: bool, line: str
) -> None:
    assert how_to_install(backend, machine=machine, python=python, is_64_bit=is_64_bit) == line


def test_the_extras_are_those_of_the_package() -> None:
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[3] / "runtime" / "pyproject.toml").read_text())["project"]
    for name, wheels in WHEELS.items():
        assert wheels.requirement == f"'mnist-runtime[{BACKENDS[name].extra}]'"
        assert BACKENDS[name].extra in project["optional-dependencies"]


@pytest.mark.parametrize(
    ("format", "machine", "python", "is_64_bit", "extra"),
    [
        ("tflite", "aarch64", (3, 11), True, "litert"),
        ("tflite", "aarch64", (3, 13), True, "litert"),
        ("tflite", "armv7l", (3, 11), False, "tflite"),
        ("tflite", "armv7l", (3, 13), False, None),
        ("tflite", "armv6l", (3, 11), False, None),
        ("onnx", "aarch64", (3, 13), True, "onnx"),
        ("onnx", "armv7l", (3, 11), False, None),
    ],
)
def test_the_best_interpreter_that_installs_is_chosen(
    format: str, machine: str, python: tuple[int, int], is_64_bit: bool, extra: str | None
) -> None:
    assert best_extra(format, machine=machine, python=python, is_64_bit=is_64_bit) == extra
