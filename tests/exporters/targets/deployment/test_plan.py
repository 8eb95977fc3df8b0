"""What is installed on which device, decided from its facts."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_exporters import UsageError
from mnist_exporters.errors import DeviceError, MissingPackageError
from mnist_exporters.targets.deployment.plan import DeviceFacts, Plan, check_folder, interpreter_extras, service_extras
from mnist_runtime import BackendError

PI_4 = DeviceFacts(
    machine="aarch64",
    is_64_bit=True,
    python=(3, 13),
    system="Debian GNU/Linux 13 (trixie)",
    board="Raspberry Pi 4 Model B Rev 1.4",
    folder="/home/pi/digits",
    free_bytes=10**10,
    writable=True,
    has_venv=True,
    modules=(),
    service_missing="",
    current=None,
    previous=None,
    environments=(),
)
PI_ZERO = dataclasses.replace(PI_4, machine="armv6l", is_64_bit=False, python=(3, 11), board="Raspberry Pi Zero W")
PI_3_32 = dataclasses.replace(PI_4, machine="armv7l", is_64_bit=False, python=(3, 11))
RISC_V = dataclasses.replace(PI_4, machine="riscv64", board="")


@pytest.mark.parametrize(
    ("facts", "format", "precision", "wanted", "extras"),
    [
        (PI_4, "tflite", "int8", None, ["litert"]),
        (PI_4, "onnx", "float32", None, ["onnx"]),
        (PI_4, "tflite", "int8", "none", []),
        (PI_3_32, "tflite", "int8", None, ["tflite"]),
        (PI_3_32, "tflite", "float32", None, ["tflite"]),
        (PI_ZERO, "tflite", "int8", None, []),
        (RISC_V, "tflite", "int8", None, []),
        (dataclasses.replace(PI_3_32, modules=("onnxruntime",)), "onnx", "int8", None, []),
    ],
)
def test_the_best_interpreter_that_the_device_can_install_is_chosen(
    facts: DeviceFacts, format: str, precision: str, wanted: str | None, extras: list[str]
) -> None:
    assert interpreter_extras(facts, format, precision, wanted, "pi") == extras


@pytest.mark.parametrize(
    ("facts", "format", "precision", "wanted", "words"),
    [
        (
            RISC_V,
            "tflite",
            "float32",
            None,
            "No interpreter runs float32 tflite files on pi. litert: no wheel exists for",
        ),
        (PI_3_32, "onnx", "int8", None, "but Debian 13 has python3-onnxruntime"),
        (PI_ZERO, "tflite", "int8", "litert", "litert: no wheel exists for armv6l"),
    ],
)
def test_other_architectures_are_named_with_the_reason(
    facts: DeviceFacts, format: str, precision: str, wanted: str | None, words: str
) -> None:
    with pytest.raises(BackendError, match=words):
        interpreter_extras(facts, format, precision, wanted, "pi")


def test_an_interpreter_of_another_format_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"--extra onnx does not run int8 tflite files\. Use litert or tflite or none"):
        interpreter_extras(PI_4, "tflite", "int8", "onnx", "pi")


@pytest.mark.parametrize("folder", ["", ".", "/", "..", "../x", "digits/../..", "~/digits"])
def test_a_folder_that_is_not_one_of_its_own_is_refused(here: Callable[..., object], folder: str) -> None:
    for words in ((), ("--dry-run",), ("--rollback",)):
        done = here("mnist-export", "deploy", *words, "pi@nowhere.invalid", "--folder", folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"error: --folder {folder!r} is not a folder of its own on the device. Give a name" in done.stderr


@pytest.mark.parametrize("folder", ["digits", "digits/second", "/opt/digits", "..digits"])
def test_other_folders_are_accepted(folder: str) -> None:
    check_folder(folder)


def test_the_environment_is_new_only_if_wheel_extras_or_python_are(tmp_path: Path) -> None:
    wheel = tmp_path / "mnist_runtime-1-py3-none-any.whl"
    wheel.write_bytes(b"one")
    first = Plan.of(PI_4, wheel, ["images", "litert", "images"], "pi")
    assert first.extras == ("images", "litert")
    assert (first.is_there, first.from_system) == (False, False)
    assert Plan.of(dataclasses.replace(PI_4, environments=(first.key,)), wheel, first.extras, "pi").is_there
    others = [Plan.of(PI_4, wheel, ["images"], "pi"), Plan.of(PI_3_32, wheel, first.extras, "pi")]
    wheel.write_bytes(b"two")
    others.append(Plan.of(PI_4, wheel, first.extras, "pi"))
    assert len({first.key, *(other.key for other in others)}) == 4


def test_32_bit_systems_take_what_debian_has(tmp_path: Path) -> None:
    wheel = tmp_path / "mnist_runtime-1-py3-none-any.whl"
    wheel.touch()
    facts = dataclasses.replace(PI_3_32, modules=("PIL", "cv2"))
    plan = Plan.of(facts, wheel, ["images", "watch", "mqtt"], "pi")
    assert (plan.extras, plan.from_system) == (("mqtt",), True)


def test_a_device_that_lacks_venv_or_a_writable_folder_is_named(tmp_path: Path) -> None:
    wheel = tmp_path / "mnist_runtime-1-py3-none-any.whl"
    wheel.touch()
    with pytest.raises(MissingPackageError, match="On the device, run: sudo apt install python3-venv"):
        Plan.of(dataclasses.replace(PI_4, has_venv=False), wheel, [], "pi")
    with pytest.raises(DeviceError, match="pi cannot write into /home/pi/digits"):
        Plan.of(dataclasses.replace(PI_4, writable=False), wheel, [], "pi")


def test_a_service_gets_the_extras_that_it_needs() -> None:
    assert service_extras(["serve", "--port", "80"]) == ["serve"]
    assert service_extras(["watch", "--source", "0", "--mqtt", "mqtt://broker"]) == ["watch", "mqtt"]
    assert service_extras(["watch", "--mqtt=mqtt://broker"]) == ["watch", "mqtt"]
