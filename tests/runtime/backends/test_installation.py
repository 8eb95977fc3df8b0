"""Which backend pip can install on which machine."""

import numpy as np
import pytest

from mnist_runtime import BACKENDS
from mnist_runtime.errors import install_command


@pytest.mark.parametrize(
    ("backend", "machine", "python", "is_64_bit", "reason"),
    [
        ("litert", "aarch64", (3, 11), True, None),
        ("litert", "aarch64", (3, 13), True, None),
        ("litert", "aarch64", (3, 11), False, "no wheel exists for armv7l"),
        ("litert", "x86_64", (3, 11), False, "no wheel exists for a 32-bit system"),
        ("litert", "AMD64", (3, 15), True, "no wheel exists above Python 3.14"),
        ("tflite-runtime", "aarch64", (3, 11), False, None),
        ("tflite-runtime", "armv7l", (3, 11), False, None),
        ("tflite-runtime", "armv7l", (3, 13), False, "no wheel exists above Python 3.11"),
        ("tflite-runtime", "armv6l", (3, 11), False, "no wheel exists for armv6l"),
        ("onnxruntime", "armv7l", (3, 11), False, "no wheel exists for armv7l, but Debian 13 has python3-onnxruntime"),
        ("onnxruntime", "armv6l", (3, 11), False, "no wheel exists for armv6l"),
        ("onnxruntime", "arm64", (3, 12), True, None),
        ("numpy", "armv6l", (3, 11), False, None),
    ],
)
def test_missing_wheels_have_a_reason(
    backend: str, machine: str, python: tuple[int, int], is_64_bit: bool, reason: str | None
) -> None:
    assert BACKENDS[backend].no_wheel_reason(machine=machine, python=python, is_64_bit=is_64_bit) == reason


def test_the_install_command_names_the_packages() -> None:
    assert BACKENDS["litert"].install_command == "pip install 'ai-edge-litert>=2.1'"
    assert BACKENDS["tflite-runtime"].install_command == "pip install 'tflite-runtime==2.14.0' 'numpy<2'"
    assert BACKENDS["numpy"].install_command == ""


@pytest.mark.parametrize(("numpy", "added"), [("1.26.4", " 'numpy<2'"), ("2.5.5", "")])
def test_opencv_does_not_replace_numpy_1(monkeypatch: pytest.MonkeyPatch, numpy: str, added: str) -> None:
    """The newest OpenCV needs NumPy 2, with which tflite-runtime does not work."""
    monkeypatch.setattr(np, "__version__", numpy)
    assert install_command("watch") == f"pip install 'opencv-python-headless>=4.6'{added}"
    assert install_command("images") == "pip install 'pillow>=9.3'"


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
    machine_facts = {"machine": machine, "python": python, "is_64_bit": is_64_bit}
    rows = [row for row in BACKENDS.values() if row.format == format and row.no_wheel_reason(**machine_facts) is None]
    assert next((row.extra for row in rows if row.extra), None) == extra
