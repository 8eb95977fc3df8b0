"""Which backend pip can install on which machine."""

import pytest

from mnist_runtime.device.installation import best_extra, how_to_install


@pytest.mark.parametrize(
    ("backend", "machine", "python", "is_64_bit", "line"),
    [
        ("litert", "aarch64", (3, 11), True, "pip install 'mnist-runtime[litert]'"),
        ("litert", "aarch64", (3, 13), True, "pip install 'mnist-runtime[litert]'"),
        ("litert", "aarch64", (3, 11), False, "no wheel exists for armv7l"),
        ("litert", "x86_64", (3, 11), False, "no wheel exists for a 32-bit system"),
        ("litert", "AMD64", (3, 15), True, "no wheel exists above Python 3.14"),
        ("tflite-runtime", "aarch64", (3, 11), False, "pip install 'mnist-runtime[tflite]'"),
        ("tflite-runtime", "armv7l", (3, 11), False, "pip install 'mnist-runtime[tflite]'"),
        ("tflite-runtime", "armv7l", (3, 13), False, "no wheel exists above Python 3.11"),
        ("tflite-runtime", "armv6l", (3, 11), False, "no wheel exists for armv6l"),
        ("onnxruntime", "armv7l", (3, 11), False, "no wheel exists for armv7l"),
        ("onnxruntime", "arm64", (3, 12), True, "pip install 'mnist-runtime[onnx]'"),
        ("numpy", "armv6l", (3, 11), False, ""),
    ],
)
def test_the_install_command_suits_the_machine(
    backend: str, machine: str, python: tuple[int, int], is_64_bit: bool, line: str
) -> None:
    assert how_to_install(backend, machine=machine, python=python, is_64_bit=is_64_bit) == line


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
def test_the_preferred_backend_with_a_wheel_is_chosen(
    format: str, machine: str, python: tuple[int, int], is_64_bit: bool, extra: str | None
) -> None:
    assert best_extra(format, machine=machine, python=python, is_64_bit=is_64_bit) == extra
