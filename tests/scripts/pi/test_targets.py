"""The table of Raspberry Pi systems agrees with the tables of the runtime and of the exporters."""

import pytest

from mnist_exporters import INTERPRETERS
from mnist_exporters.targets import devices
from mnist_runtime import BACKENDS
from mnist_tools.pi.emulator.boards import BOARDS
from mnist_tools.pi.targets import PAIRS, TARGETS

EXPECTED = {
    "arm64-bookworm": "litert tflite-runtime onnxruntime numpy",
    "arm64-trixie": "litert onnxruntime numpy",
    "armhf-bookworm": "tflite-runtime numpy",
    "armhf-trixie": "onnxruntime numpy",
}


def test_each_system_has_the_backends_with_wheels_or_debian_packages() -> None:
    assert {name: " ".join(row.backends) for name, row in TARGETS.items()} == EXPECTED


def test_every_backend_is_tested_somewhere_and_every_system_has_a_processor() -> None:
    assert {backend for _, backend in PAIRS} == set(BACKENDS)
    assert len(PAIRS) == len(set(PAIRS)) == 11
    assert {row.architecture for row in TARGETS.values()} == {board.architecture for board in BOARDS.values()}


@pytest.mark.parametrize(("device", "architecture"), [("pi-4", "arm64"), ("pi-5", "arm64"), ("pi-3-32", "armhf")])
def test_the_interpreters_that_the_exporters_list_for_a_device_are_tested(device: str, architecture: str) -> None:
    tested = {backend for name, backend in PAIRS if TARGETS[name].architecture == architecture}
    loaded = {name for name in devices.TARGETS[device].interpreters if not INTERPRETERS[name].runs_engines}
    assert loaded <= tested
