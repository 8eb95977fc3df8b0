"""``scripts/check-pi``: prove the runtime on emulated Raspberry Pis."""

from __future__ import annotations

import argparse
import fcntl
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mnist_runtime import BACKENDS, ToolkitError, UsageError
from mnist_runtime.command import run_command, say
from scripts.pi.boards import BOARDS
from scripts.pi.guest import Guest, require_isolation
from scripts.pi.packages import host_archive
from scripts.pi.questions import Questions, images
from scripts.pi.stock import PROJECT, Stock
from scripts.pi.targets import PAIRS, TARGETS
from scripts.pi.trial import Trial

__all__ = ["main", "selected"]

EPILOG = """\
exit codes: 0 all passed, 1 one failed, 2 wrong usage, 4 this system lacks what it takes
"""
PICTURE = PROJECT / "examples" / "seven.png"


def main() -> None:
    """Run the command line of `sys.argv`."""
    arguments = _parser().parse_args()
    run_command(lambda: _check(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/check-pi",
        description="Install the runtime on emulated Raspberry Pis, with each interpreter that exists there, let it "
        "prove itself, and compare its answers to 200 images with this machine's.",
        epilog=EPILOG,
    )
    parser.add_argument("--target", action="append", choices=tuple(TARGETS), help="a system; may be repeated (default: all)")
    parser.add_argument("--backend", action="append", choices=tuple(BACKENDS), help="may be repeated (default: all)")
    parser.add_argument("--cpu", choices=tuple(BOARDS), help="default: cortex-a72, for 32-bit systems cortex-a7")
    parser.add_argument("--cache", type=Path, default=_cache(), metavar="FOLDER", help="what was gathered (default: %(default)s)")
    parser.add_argument("--archive", metavar="ADDRESS", help="of Debian (default: the one of this system's apt)")
    return parser


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mnist-edge-export" / "pi"


def selected(targets: Sequence[str] | None, backends: Sequence[str] | None, cpu: str | None) -> list[tuple[str, str, str]]:
    """Return target, backend and processor of each trial that is asked for; None asks for all.

    Raises
    ------
    UsageError
        If there is none.
    """
    found = []
    for target, backend in PAIRS:
        fitting = [name for name, board in BOARDS.items() if board.architecture == TARGETS[target].architecture]
        if target in (targets or TARGETS) and backend in (backends or BACKENDS) and (cpu or fitting[0]) in fitting:
            found.append((target, backend, cpu or fitting[0]))
    if not found:
        pairs = "; ".join(f"{name}: {', '.join(row.backends)}" for name, row in TARGETS.items())
        wanted = ", ".join((*(targets or ()), *(backends or ()), *filter(None, [cpu])))
        raise UsageError(f"Expected a system with a backend that it has ({pairs}) and a processor of its own, received {wanted}.")
    return found


def _check(arguments: argparse.Namespace) -> int:
    trials = selected(arguments.target, arguments.backend, arguments.cpu)
    require_isolation()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    with open(arguments.cache / "lock", "w") as lock, ThreadPoolExecutor(os.cpu_count()) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two checks would make the same folders
        stock = Stock(arguments.cache.absolute(), arguments.archive or host_archive())
        say(f"gathering what guests are made of in {stock.folder} ...")
        stock.emulators()
        exports = pool.submit(stock.exports)
        cpus = {target: cpu for target, _, cpu in trials}
        guests = dict(zip(cpus, pool.map(lambda item: _guest(stock, *item), cpus.items()), strict=True))
        questions = Questions(images(), exports.result())
        with tempfile.TemporaryDirectory() as folder:
            host = {name: questions.ask_host(name, Path(folder)) for name in dict.fromkeys(pair[1] for pair in trials)}

        def attempt(trial: tuple[str, str, str]) -> bool:
            target, backend, cpu = trial
            begun = time.perf_counter()
            try:
                home = stock.home(target, backend, guests[target])
                found, passed = Trial(target, backend, guests[target], home).run(questions, host[backend], PICTURE), True
            except ToolkitError as error:
                found, passed = str(error), False
            seconds = time.perf_counter() - begun
            print(f"{'PASS' if passed else 'FAIL'} {target} {backend} on {cpu}: {found} [{seconds:.0f} s]", flush=True)
            return passed

        passed = sum(pool.map(attempt, trials))
    print(f"{passed} passed, {len(trials) - passed} failed")
    return int(passed < len(trials))


def _guest(stock: Stock, target: str, cpu: str) -> Guest:
    guest = stock.guest(target, cpu)
    stock.environment(target, guest)
    return guest


main()
