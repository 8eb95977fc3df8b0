"""Guests on emulated processors. Slow, because each guest is downloaded first."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.shared.backend_cases import random_images
from tests.shared.operator_networks import NETWORKS, converted

from mnist_exporters import Precision
from mnist_exporters.targets.deployment.plan import DeviceFacts, Plan, interpreter_extras
from mnist_exporters.targets.deployment.ssh import payload, remote_command
from mnist_exporters.targets.deployment.there.talk import PREFIX
from mnist_runtime import BACKENDS, BackendError
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_runtime.classifier import ready_model
from mnist_tools.pi.check import PICTURE, default_cache
from mnist_tools.pi.emulator.boards import BOARDS
from mnist_tools.pi.emulator.guest import Guest, GuestError, require_isolation
from mnist_tools.pi.emulator.packages import host_archive
from mnist_tools.pi.stock import Stock
from mnist_tools.pi.targets import TARGETS
from mnist_tools.pi.trial import Trial
from mnist_tools.pi.workload import Workload, images

pytestmark = pytest.mark.slow

PROGRAMS = Path(__file__).parent / "programs"
"""Programs that run in a guest."""


@pytest.fixture(scope="module")
def stock() -> Stock:
    try:
        require_isolation()
        return Stock(default_cache(), host_archive())
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("target", TARGETS)
def test_programs_run_and_can_start_others(stock: Stock, target: str, tmp_path: Path) -> None:
    row = TARGETS[target]
    cpu = next(name for name, board in BOARDS.items() if board.architecture == row.architecture)
    shutil.copy(PROGRAMS / "describe.py", tmp_path)
    printed = stock.guest(target, cpu).output("python3", "describe.py", home=tmp_path)
    assert printed == f"{row.machine} {row.python[0]} {row.python[1]}\n{row.machine}\n"


def test_crashes_and_endless_programs_are_reported(stock: Stock, tmp_path: Path) -> None:
    guest = stock.guest("armhf-bookworm", "cortex-a7")
    shutil.copy(PROGRAMS / "crash.py", tmp_path)
    assert guest.run("python3", "crash.py", home=tmp_path).returncode == 128 + 11
    with pytest.raises(GuestError, match=r"with exit code 139 and this on stderr: .*Segmentation fault"):
        guest.output("python3", "crash.py", home=tmp_path)
    with pytest.raises(GuestError, match="still runs in the guest after 1 seconds"):
        guest.run("sleep", "600", home=tmp_path, seconds=1)


@pytest.mark.parametrize(("cpu", "code"), [("cortex-a53", 128 + 4), ("cortex-a72", 128 + 4), ("cortex-a76", 0)])
def test_an_instruction_that_the_processor_lacks_is_illegal(stock: Stock, cpu: str, code: int, tmp_path: Path) -> None:
    guest = stock.guest("arm64-bookworm", cpu)
    shutil.copy(PROGRAMS / "dot_product.py", tmp_path)
    assert guest.run("python3", "dot_product.py", home=tmp_path).returncode == code


def test_the_host_cannot_be_reached(stock: Stock, tmp_path: Path) -> None:
    guest = stock.guest("arm64-bookworm", "cortex-a72")
    assert sorted(guest.output("ls", "/home/pi", home=tmp_path).split()) == []
    guest.output("touch", "made-there", home=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["made-there"]
    assert guest.run("touch", "/srv/new", home=tmp_path).returncode == 1


@pytest.fixture
def trial(stock: Stock) -> Callable[[str, str, str], Trial]:
    def make(target: str, backend: str, cpu: str) -> Trial:
        return Trial(target, backend, stock.guest(target, cpu), stock.home(target, backend, cpu))

    return make


def test_different_scores_fail(
    trial: Callable[[str, str, str], Trial], exported: Callable[..., object], tmp_path: Path
) -> None:
    one = trial("armhf-bookworm", "numpy", "cortex-a7")
    workload = Workload(images(), {"tflite": exported("cnn", "tflite", Precision.FLOAT32).path})
    host = workload.run_on_host("numpy", tmp_path)
    assert "int8: all 200 identical" in one.run(workload, host, PICTURE)
    host.scores["int8"][123, 4] += 1 / 256
    with pytest.raises(GuestError, match=r"int8: 1 of 200 differ by at most 0\.0039"):
        one.run(workload, host, PICTURE)


def test_a_processor_that_computes_wrongly_fails(
    trial: Callable[[str, str, str], Trial], exported: Callable[..., object], tmp_path: Path
) -> None:
    """qemu's default processor has matrix instructions that LiteRT uses and qemu computes wrongly."""
    one = trial("arm64-bookworm", "litert", "cortex-a72")
    workload = Workload(images(), {"tflite": exported("cnn", "tflite", Precision.FLOAT32).path})
    host = workload.run_on_host("litert", tmp_path)
    wrong: Guest = dataclasses.replace(one.guest, cpu="max")
    with pytest.raises(GuestError):
        dataclasses.replace(one, guest=wrong).run(workload, host, PICTURE)


@pytest.mark.parametrize("target", TARGETS)
def test_deployments_work_on_every_system(stock: Stock, target: str, tmp_path: Path) -> None:
    """What `mnist-export deploy` sends over ssh is run in the guest: facts, two versions, and the way back."""
    row = TARGETS[target]
    cpu = next(name for name, board in BOARDS.items() if board.architecture == row.architecture)
    guest = stock.guest(target, cpu)

    def call(step: str, request: dict[str, object], files: dict[str, bytes]) -> dict[str, Any]:
        (tmp_path / "request").write_bytes(payload(step, {"folder": "digits", **request}, files))
        (tmp_path / "start").write_text(f"{remote_command()} < request\n")
        done = guest.run("sh", "start", home=tmp_path)
        last = done.stdout.splitlines()[-1]
        assert last.startswith(f'{PREFIX}{{"done": '), (done.stdout, done.stderr)
        return json.loads(last.removeprefix(PREFIX))["done"]

    facts = DeviceFacts.read(call("facts", {"modules": []}, {}))
    assert (facts.machine, facts.python) == (row.machine, row.python)
    wheel = stock.runtime()
    extras = interpreter_extras(facts, "tflite", "int8", None, target)
    plan = Plan.of(facts, wheel, ["images", *extras], target)
    request = plan.request() | {"model": "seven.tflite", "service": None, "steady_s": 0, "facts": {}}
    files = {wheel.name: wheel.read_bytes(), "seven.tflite": ready_model("tflite")}
    first = next(name for name in row.backends if BACKENDS[name].format == "tflite")
    for number in ("1", "2"):
        done = call("deploy", request, files)
        assert done["version"] == number
        assert done["self_test"]["run_with"].startswith(first)
    assert call("rollback", {"steady_s": 0}, {})["version"] == "1"


def test_every_numpy_operator_gives_the_same_integers_on_32_bits(stock: Stock, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(stock.home("armhf-bookworm", "numpy", "cortex-a7"), home, symlinks=True)
    pixels = random_images(50)
    np.save(home / "pixels.npy", pixels)
    for name, (network, _) in NETWORKS.items():
        content = converted(network)
        (home / f"{name}.tflite").write_bytes(content)
        np.save(home / f"{name}.npy", load_numpy(content).run(pixels))
    shutil.copy(PROGRAMS / "same_integers.py", home)
    guest = stock.guest("armhf-bookworm", "cortex-a7")
    printed = guest.output("digits/venv/bin/python", "same_integers.py", *NETWORKS, home=home)
    assert printed.split() == ["True"] * len(NETWORKS)
