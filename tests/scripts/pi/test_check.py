"""``scripts/tool pi check``: selection of trials and wrong usage; as a slow test, all trials on emulated processors."""

import subprocess
from pathlib import Path

import pytest

from mnist_runtime import UsageError
from mnist_tools.checkout import ROOT, environment, tool
from mnist_tools.pi.check import selected
from mnist_tools.pi.emulator.boards import BOARDS
from mnist_tools.pi.targets import PAIRS, TARGETS


def check(*arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
    command = tool("pi check", *arguments)
    return subprocess.run(command, cwd=ROOT, env=environment(**changes), capture_output=True, text=True, check=False)


def test_by_default_every_pair_is_tested_on_the_default_processor() -> None:
    trials = selected(None, None, None)
    assert tuple((target, backend) for target, backend, _ in trials) == PAIRS
    assert {cpu for _, _, cpu in trials} == {"cortex-a72", "cortex-a7"}


@pytest.mark.parametrize("cpu", BOARDS)
def test_a_processor_is_tested_with_the_systems_that_run_on_it(cpu: str) -> None:
    trials = selected(None, None, cpu)
    assert {TARGETS[target].architecture for target, _, _ in trials} == {BOARDS[cpu].architecture}
    assert {one for _, _, one in trials} == {cpu}


@pytest.mark.parametrize(
    ("targets", "backends", "cpu"),
    [(["armhf-bookworm"], ["litert"], None), (["arm64-trixie"], None, "cortex-a7"), (None, ["litert"], "cortex-a7")],
)
def test_an_empty_selection_is_wrong_usage(targets: list[str], backends: list[str], cpu: str) -> None:
    with pytest.raises(UsageError, match=r"No system has the combination .*armhf-trixie: onnxruntime, numpy"):
        selected(targets, backends, cpu)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "pi-9"], "arm64-bookworm"),
        (["--cpu", "max"], "cortex-a72"),
        (["--target", "armhf-trixie", "--backend", "litert"], "No system has the combination armhf-trixie, litert."),
    ],
)
def test_wrong_usage_exits_with_2_and_creates_nothing(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = check("--cache", tmp_path / "cache", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert not (tmp_path / "cache").exists()


def test_a_machine_without_the_needed_programs_exits_with_4(tmp_path: Path) -> None:
    done = check("--cache", tmp_path / "cache", PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "error: This needs unshare, chroot, mount. Use a Debian system that has them.\n"


@pytest.mark.slow
def test_every_pair_passes() -> None:
    done = check()
    if done.returncode == 4:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    *lines, last = done.stdout.splitlines()
    assert sorted(tuple(line.split()[:3]) for line in lines) == sorted(("PASS", *pair) for pair in PAIRS)
    assert last == f"{len(PAIRS)} passed, 0 failed"
