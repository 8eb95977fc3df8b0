"""`scripts/check-pi`: what is asked for, what is refused; and, slow, the whole of it on emulated processors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_runtime import UsageError
from mnist_tools.pi.check import selected
from mnist_tools.pi.emulator.boards import BOARDS
from mnist_tools.pi.targets import PAIRS, TARGETS

ROOT = Path(__file__).parents[3]


def check(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mnist_tools.pi.check", *map(str, arguments)]
    merged = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=merged, capture_output=True, text=True, check=False)


def test_without_a_choice_every_pair_is_tried_on_its_first_processor() -> None:
    trials = selected(None, None, None)
    assert tuple((target, backend) for target, backend, _ in trials) == PAIRS
    assert {cpu for _, _, cpu in trials} == {"cortex-a72", "cortex-a7"}


@pytest.mark.parametrize("cpu", BOARDS)
def test_a_processor_is_tried_with_the_systems_that_run_on_it(cpu: str) -> None:
    trials = selected(None, None, cpu)
    assert {TARGETS[target].architecture for target, _, _ in trials} == {BOARDS[cpu].architecture}
    assert {one for _, _, one in trials} == {cpu}


@pytest.mark.parametrize(
    ("targets", "backends", "cpu"),
    [(["armhf-bookworm"], ["litert"], None), (["arm64-trixie"], None, "cortex-a7"), (None, ["litert"], "cortex-a7")],
)
def test_what_does_not_exist_is_refused(targets: list[str], backends: list[str], cpu: str) -> None:
    with pytest.raises(UsageError, match=r"armhf-trixie: onnxruntime, numpy.*received"):
        selected(targets, backends, cpu)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "pi-9"], "arm64-bookworm"),
        (["--cpu", "max"], "cortex-a72"),
        (["--target", "armhf-trixie", "--backend", "litert"], "Expected a target, a backend that it has"),
    ],
)
def test_bad_usage_ends_in_a_sentence(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = check("--cache", tmp_path / "cache", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert not (tmp_path / "cache").exists()


def test_a_machine_that_lacks_what_it_takes_is_told(tmp_path: Path) -> None:
    done = check("--cache", tmp_path / "cache", PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (4, "")
    assert (
        done.stderr == "error: Expected a Debian system with unshare, chroot, mount, found no unshare, chroot, mount.\n"
    )


@pytest.mark.slow
def test_every_pair_passes() -> None:
    done = check()
    if done.returncode == 4:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    *lines, last = done.stdout.splitlines()
    assert sorted(tuple(line.split()[:3]) for line in lines) == sorted(("PASS", *pair) for pair in PAIRS)
    assert last == f"{len(PAIRS)} passed, 0 failed"
