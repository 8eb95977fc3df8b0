"""``scripts/check-pi``: prove the runtime on emulated Raspberry Pis."""

from __future__ import annotations

import argparse
import fcntl
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from mnist_runtime import BACKENDS, ToolkitError, UsageError
from mnist_runtime.system.command import echo, run_command
from mnist_tools.pi.emulator.boards import BOARDS
from mnist_tools.pi.emulator.guest import require_isolation
from mnist_tools.pi.emulator.packages import host_archive
from mnist_tools.pi.questions import Answers, Questions, images
from mnist_tools.pi.stock import PROJECT, Stock
from mnist_tools.pi.targets import PAIRS, TARGETS
from mnist_tools.pi.trial import Trial

__all__ = ["default_cache", "main", "selected"]

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
        epilog="exit codes: 0 all passed, 1 one failed, 2 wrong usage, 4 this machine lacks what it takes",
    )
    parser.add_argument("--target", action="append", choices=tuple(TARGETS), help="may be repeated (default: all)")
    parser.add_argument("--backend", action="append", choices=tuple(BACKENDS), help="may be repeated (default: all)")
    parser.add_argument("--cpu", choices=tuple(BOARDS), help="default: cortex-a72, and cortex-a7 under 32-bit systems")
    parser.add_argument("--cache", type=Path, default=default_cache(), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--archive", metavar="ADDRESS", help="of Debian (default: where this machine's apt finds it)")
    return parser


def default_cache() -> Path:
    """Return where what was gathered is kept, unless the command is told another folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mnist-edge-export" / "pi"


def selected(
    targets: Sequence[str] | None, backends: Sequence[str] | None, cpu: str | None
) -> list[tuple[str, str, str]]:
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
        raise UsageError(f"Expected a target, a backend that it has ({pairs}) and its processor, received {wanted}.")
    return found


def _check(arguments: argparse.Namespace) -> int:
    trials = selected(arguments.target, arguments.backend, arguments.cpu)
    require_isolation()
    cache: Path = arguments.cache.absolute()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock, ThreadPoolExecutor(os.cpu_count()) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two checks would make the same folders
        stock = Stock(cache, arguments.archive or host_archive())
        echo(f"gathering in {cache} what guests are made of ...")
        exports = pool.submit(stock.exports)
        environments = [pool.submit(stock.environment, *pair) for pair in {(target, cpu) for target, _, cpu in trials}]
        for each in environments:
            each.result()
        questions = Questions(images(), exports.result())
        with tempfile.TemporaryDirectory() as folder:
            host = {name: questions.ask_host(name, Path(folder)) for name in {backend for _, backend, _ in trials}}
        echo("trying them ...")
        passed = sum(pool.map(partial(_try, stock, questions, host), trials))
    print(f"{passed} passed, {len(trials) - passed} failed")
    return int(passed < len(trials))


def _try(stock: Stock, questions: Questions, host: dict[str, Answers], trial: tuple[str, str, str]) -> bool:
    """Try one, print how it went, and say whether it passed."""
    target, backend, cpu = trial
    begun = time.perf_counter()
    passed = False
    try:
        one = Trial(target, backend, stock.guest(target, cpu), stock.home(target, backend, cpu))
        found = one.run(questions, host[backend], PICTURE)
        passed = True
    except ToolkitError as error:
        found = str(error)
    seconds = time.perf_counter() - begun
    print(f"{'PASS' if passed else 'FAIL'} {target} {backend} on {cpu}: {found} [{seconds:.0f} s]", flush=True)
    return passed


if __name__ == "__main__":
    main()
