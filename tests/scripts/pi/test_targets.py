"""The table of systems says the same as the runtime's own tables and the exporters'."""

import pytest

from mnist_exporters.targets import devices
from mnist_runtime import BACKENDS
from mnist_runtime.device.installation import how_to_install
from mnist_tools.pi.emulator.boards import BOARDS
from mnist_tools.pi.targets import PAIRS, TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_its_backends_are_those_that_the_runtime_can_install(name: str) -> None:
    row = TARGETS[name]
    is_64_bit = row.architecture == "arm64"
    for backend in BACKENDS:
        if BACKENDS[backend].extra is None:
            assert backend in row.backends  # it comes with the runtime
            continue
        line = how_to_install(backend, machine=row.machine, python=row.python, is_64_bit=is_64_bit)
        installs = backend in row.backends and BACKENDS[backend].package not in row.from_debian
        assert line.startswith("pip install") == installs, (backend, line)


def test_every_backend_is_tried_somewhere_and_every_system_has_a_processor() -> None:
    assert {backend for _, backend in PAIRS} == set(BACKENDS)
    assert len(PAIRS) == len(set(PAIRS)) == 11
    assert {row.architecture for row in TARGETS.values()} == {board.architecture for board in BOARDS.values()}


@pytest.mark.parametrize(("device", "architecture"), [("pi-4", "arm64"), ("pi-5", "arm64"), ("pi-3-32", "armhf")])
def test_what_the_exporters_promise_for_a_device_is_tried(device: str, architecture: str) -> None:
    tried = {backend for name, backend in PAIRS if TARGETS[name].architecture == architecture}
    assert set(devices.TARGETS[device].interpreters) <= tried
