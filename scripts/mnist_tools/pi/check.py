"""Install and test the runtime on emulated Raspberry Pis, with every interpreter that exists for them."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from mnist_runtime import BACKENDS, ToolkitError, UsageError
from mnist_runtime.system.atomic import atomic_write, check_output_path
from mnist_runtime.system.command import echo
from mnist_tools.checkout import ROOT
from mnist_tools.pi.emulator.boards import BOARDS
from mnist_tools.pi.emulator.guest import require_isolation
from mnist_tools.pi.emulator.packages import host_archive
from mnist_tools.pi.stock import Stock
from mnist_tools.pi.targets import PAIRS, TARGETS
from mnist_tools.pi.trial import Trial
from mnist_tools.pi.workload import ProbeResult, Workload, images

__all__ = ["PICTURE", "default_cache", "main", "selected"]

PICTURE = ROOT / "examples" / "seven.png"


def main(argv: Sequence[str] | None = None) -> int:
    """Run all selected trials; return 1 if one failed."""
    return _check(_parser().parse_args(argv))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/tool pi check",
        description="Install the runtime on emulated Raspberry Pis with each interpreter that exists there, run its "
        "self-test and bench, and compare its scores for 200 images with those of this machine.",
        epilog="exit codes: 0 all passed, 1 a trial failed, 2 wrong usage, 4 this machine lacks a requirement",
    )
    parser.add_argument("--target", action="append", choices=tuple(TARGETS), help="may be repeated (default: all)")
    parser.add_argument("--backend", action="append", choices=tuple(BACKENDS), help="may be repeated (default: all)")
    parser.add_argument("--cpu", choices=tuple(BOARDS), help="default: cortex-a72; on 32-bit systems cortex-a7")
    parser.add_argument("--cache", type=Path, default=default_cache(), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--bench", type=Path, metavar="FOLDER", help="write the JSON of mnist-runtime bench there")
    parser.add_argument("--archive", metavar="URL", help="Debian archive (default: that of this machine's apt)")
    return parser


def default_cache() -> Path:
    """Return the default folder for downloads and installed systems."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mnist-edge-export" / "pi"


def selected(
    targets: Sequence[str] | None, backends: Sequence[str] | None, cpu: str | None
) -> list[tuple[str, str, str]]:
    """Return target, backend and processor of each selected trial. None selects all.

    Raises
    ------
    UsageError
        If the selection is empty.
    """
    found = []
    for target, backend in PAIRS:
        fitting = [name for name, board in BOARDS.items() if board.architecture == TARGETS[target].architecture]
        if target in (targets or TARGETS) and backend in (backends or BACKENDS) and (cpu or fitting[0]) in fitting:
            found.append((target, backend, cpu or fitting[0]))
    if not found:
        pairs = "; ".join(f"{name}: {', '.join(row.backends)}" for name, row in TARGETS.items())
        wanted = ", ".join((*(targets or ()), *(backends or ()), *filter(None, [cpu])))
        raise UsageError(f"No system has the combination {wanted}. The systems and their backends are {pairs}.")
    return found


def _check(arguments: argparse.Namespace) -> int:
    trials = selected(arguments.target, arguments.backend, arguments.cpu)
    require_isolation()
    cache: Path = arguments.cache.absolute()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock, ThreadPoolExecutor(os.cpu_count()) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes would write the same folders
        stock = Stock(cache, arguments.archive or host_archive())
        echo(f"downloading and installing into {cache} ...")
        exports = pool.submit(stock.exports)
        environments = [pool.submit(stock.environment, *pair) for pair in {(target, cpu) for target, _, cpu in trials}]
        for each in environments:
            each.result()
        workload = Workload(images(), exports.result())
        with tempfile.TemporaryDirectory() as folder:
            host = {name: workload.run_on_host(name, Path(folder)) for name in {backend for _, backend, _ in trials}}
        echo("running the trials ...")
        passed = sum(pool.map(partial(_try, stock, workload, host, arguments.bench), trials))
    print(f"{passed} passed, {len(trials) - passed} failed")
    return int(passed < len(trials))


def _try(
    stock: Stock, workload: Workload, host: dict[str, ProbeResult], folder: Path | None, trial: tuple[str, str, str]
) -> bool:
    """Run one trial, print the result and return whether it passed."""
    target, backend, cpu = trial
    begun = time.perf_counter()
    passed = False
    try:
        one = Trial(target, backend, stock.guest(target, cpu), stock.home(target, backend, cpu))
        found = one.run(workload, host[backend], PICTURE)
        bench = one.bench()
        if folder:
            check_output_path(folder / f"{target}-{backend}.json")
            with atomic_write(folder / f"{target}-{backend}.json") as file:
                file.write_text(json.dumps(bench, indent=2) + "\n")
        passed = True
    except ToolkitError as error:
        found = str(error)
    seconds = time.perf_counter() - begun
    print(f"{'PASS' if passed else 'FAIL'} {target} {backend} on {cpu}: {found} [{seconds:.0f} s]", flush=True)
    return passed
