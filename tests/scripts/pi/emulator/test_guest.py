"""Guests on emulated processors: slow, for each downloads what it is made of."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.runtime.backends.numpy_int8.test_backend import NETWORKS, converted, random_images

from mnist_exporters import Precision
from mnist_runtime import BackendError
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_tools.pi.check import PICTURE, default_cache
from mnist_tools.pi.emulator.boards import BOARDS
from mnist_tools.pi.emulator.guest import Guest, GuestError, require_isolation
from mnist_tools.pi.emulator.packages import host_archive
from mnist_tools.pi.questions import Questions, images
from mnist_tools.pi.stock import PROJECT, Stock
from mnist_tools.pi.targets import TARGETS
from mnist_tools.pi.trial import Trial

pytestmark = pytest.mark.slow

DEPLOYMENT = PROJECT / "scripts" / "deploy-pi-there"

CRASH = "import ctypes; ctypes.string_at(0)"
DOT_PRODUCT = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("2094824e c0035fd6"))  # sdot v0.4s, v1.16b, v2.16b; ret
ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""

SAME_INTEGERS = """
import sys
from pathlib import Path
import numpy as np
from mnist_runtime.backends.numpy_int8 import load_numpy
for name in sys.argv[1:]:
    run = load_numpy(Path(f"{name}.tflite").read_bytes()).run
    print(np.array_equal(run(np.load("pixels.npy")), np.load(f"{name}.npy")))
"""


@pytest.fixture(scope="module")
def stock() -> Stock:
    try:
        require_isolation()
        return Stock(default_cache(), host_archive())
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("target", TARGETS)
def test_its_programs_run_and_may_start_others(stock: Stock, target: str, tmp_path: Path) -> None:
    row = TARGETS[target]
    cpu = next(name for name, board in BOARDS.items() if board.architecture == row.architecture)
    program = "import platform, subprocess; print(platform.machine(), *platform.python_version_tuple()[:2], flush=True)"
    said = stock.guest(target, cpu).say("python3", "-c", f"{program}; subprocess.run(['uname', '-m'])", home=tmp_path)
    assert said == f"{row.machine} {row.python[0]} {row.python[1]}\n{row.machine}\n"


def test_a_crash_and_an_endless_program_end(stock: Stock, tmp_path: Path) -> None:
    guest = stock.guest("armhf-bookworm", "cortex-a7")
    assert guest.run("python3", "-c", CRASH, home=tmp_path).returncode == 128 + 11
    with pytest.raises(GuestError, match=r"ended with code 139 and said: .*Segmentation fault"):
        guest.say("python3", "-c", CRASH, home=tmp_path)
    with pytest.raises(GuestError, match="still ran after 1 seconds"):
        guest.run("sleep", "600", home=tmp_path, seconds=1)


@pytest.mark.parametrize(("cpu", "code"), [("cortex-a53", 128 + 4), ("cortex-a72", 128 + 4), ("cortex-a76", 0)])
def test_an_instruction_that_a_pi_lacks_is_illegal(stock: Stock, cpu: str, code: int, tmp_path: Path) -> None:
    guest = stock.guest("arm64-bookworm", cpu)
    assert guest.run("python3", "-c", DOT_PRODUCT, home=tmp_path).returncode == code


def test_the_host_is_out_of_reach(stock: Stock, tmp_path: Path) -> None:
    guest = stock.guest("arm64-bookworm", "cortex-a72")
    assert sorted(guest.say("ls", "/home/pi", home=tmp_path).split()) == []
    guest.say("touch", "made-there", home=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["made-there"]
    assert guest.run("touch", "/srv/new", home=tmp_path).returncode == 1


@pytest.fixture
def trial(stock: Stock) -> Callable[[str, str, str], Trial]:
    def make(target: str, backend: str, cpu: str) -> Trial:
        return Trial(target, backend, stock.guest(target, cpu), stock.home(target, backend, cpu))

    return make


def test_other_scores_fail(
    trial: Callable[[str, str, str], Trial], exported: Callable[..., object], tmp_path: Path
) -> None:
    one = trial("armhf-bookworm", "numpy", "cortex-a7")
    questions = Questions(images(), {"tflite": exported("cnn", "tflite", Precision.FLOAT32).path})
    host = questions.ask_host("numpy", tmp_path)
    assert "int8: all 200 to the bit" in one.run(questions, host, PICTURE)
    host.scores["int8"][123, 4] += 1 / 256
    with pytest.raises(GuestError, match=r"int8: 1 of 200 differ by at most 0\.0039"):
        one.run(questions, host, PICTURE)


def test_a_processor_that_computes_wrongly_fails(
    trial: Callable[[str, str, str], Trial], exported: Callable[..., object], tmp_path: Path
) -> None:
    """qemu's default processor does, with the matrix instructions that LiteRT then uses."""
    one = trial("arm64-bookworm", "litert", "cortex-a72")
    questions = Questions(images(), {"tflite": exported("cnn", "tflite", Precision.FLOAT32).path})
    host = questions.ask_host("litert", tmp_path)
    wrong: Guest = dataclasses.replace(one.guest, cpu="max")
    with pytest.raises(GuestError):
        dataclasses.replace(one, guest=wrong).run(questions, host, PICTURE)


@pytest.mark.parametrize("target", TARGETS)
def test_the_device_s_part_of_a_deployment_works(stock: Stock, target: str, tmp_path: Path) -> None:
    row = TARGETS[target]
    cpu = next(name for name, board in BOARDS.items() if board.architecture == row.architecture)
    for file in (DEPLOYMENT, stock.runtime()):
        shutil.copy(file, tmp_path)
    done = stock.guest(target, cpu).run("sh", DEPLOYMENT.name, stock.runtime().name, "best", "", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("passed: 20 of 20 answers as recorded")
    assert f"run with {row.backends[0]} " in done.stdout


def test_every_operator_of_numpy_gives_the_same_integers_in_32_bits(stock: Stock, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(stock.home("armhf-bookworm", "numpy", "cortex-a7"), home, symlinks=True)
    pixels = random_images(50)
    np.save(home / "pixels.npy", pixels)
    for name, (network, _) in NETWORKS.items():
        content = converted(network)
        (home / f"{name}.tflite").write_bytes(content)
        np.save(home / f"{name}.npy", load_numpy(content).run(pixels))
    said = stock.guest("armhf-bookworm", "cortex-a7").say(
        "digits/venv/bin/python", "-c", SAME_INTEGERS, *NETWORKS, home=home
    )
    assert said.split() == ["True"] * len(NETWORKS)
