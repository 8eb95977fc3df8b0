"""``mnist-train sweep``: parse, search, say what was best and how to train it."""

from __future__ import annotations

import argparse
import json
import shlex
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mnist_runtime.system.command import echo, run_command
from mnist_trainer.architectures.registry import ARCHITECTURES
from mnist_trainer.cli.main import command_parser, natural, positive
from mnist_trainer.cli.options import DATA_HELP, EXIT_CODES

if TYPE_CHECKING:
    import optuna
    from matplotlib.figure import Figure

__all__ = ["sweep_main"]

EXAMPLES = f"""\
examples:
  mnist-train sweep --trials 20
  mnist-train sweep --architecture mlp --architecture lenet --epochs 5
  mnist-train sweep --storage postgresql://user@host/sweeps     (the same on several machines)

A sweep that was stopped goes on where it was when it is called again.

{EXIT_CODES}
"""


def sweep_main(words: Sequence[str]) -> None:
    """Run ``mnist-train sweep`` with `words` and leave the process."""
    parser = command_parser("mnist-train sweep", "Search for the architecture and recipe that read best.", EXAMPLES)
    parser.add_argument(
        "--architecture",
        choices=tuple(ARCHITECTURES),
        action="append",
        help="to choose among; may be repeated (default: all)",
    )
    parser.add_argument("--data", default="auto", metavar="NAME|PATH", help=DATA_HELP)
    parser.add_argument("--trials", type=positive, default=20, metavar="N", help="in all (default: 20)")
    parser.add_argument("--epochs", type=positive, default=3, metavar="N", help="of each trial (default: 3)")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--output", type=Path, default=Path("sweep"), metavar="DIR", help="for what is found (default: sweep)"
    )
    parser.add_argument(
        "--storage", metavar="URL", help="any storage of Optuna's (default: the SQLite file sweep.db in the output)"
    )
    parser.add_argument("--study", default="digits", metavar="NAME", help="in the storage (default: digits)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(words)
    run_command(lambda: _sweep(arguments))


def _sweep(arguments: argparse.Namespace) -> int:
    from mnist_runtime.system.atomic import check_output_path
    from mnist_trainer.data.load import load_data
    from mnist_trainer.keras_support import import_tensorflow
    from mnist_trainer.training.monitoring.curves import need_matplotlib
    from mnist_trainer.training.sweep import Sweep, need_optuna

    need_optuna()
    need_matplotlib()
    check_output_path(arguments.output / "sweep.db")
    data = load_data(arguments.data)
    import_tensorflow()
    search = Sweep(
        architectures=tuple(dict.fromkeys(arguments.architecture or ARCHITECTURES)),
        epochs=arguments.epochs,
        seed=arguments.seed,
        storage=arguments.storage or f"sqlite:///{arguments.output / 'sweep.db'}",
        study=arguments.study,
    )
    echo(f"{arguments.trials} trials of {arguments.epochs} epochs on {len(data.train):,} images of {data.train.name}")
    study = search.run(data, arguments.trials)
    pictures = _draw(study, arguments.output)
    best = _best(study, arguments)
    print(json.dumps({**best, "pictures": pictures}, indent=2) if arguments.json else best["command"])
    echo(f"best: {best['validation_accuracy']:.2%} of the validation images, trial {best['trial']} of {best['trials']}")
    return 0


def _best(study: optuna.Study, arguments: argparse.Namespace) -> dict[str, Any]:
    chosen = study.best_params
    words = ["mnist-train", "--data", arguments.data, "--epochs", str(arguments.epochs), "--seed", str(arguments.seed)]
    for name, value in chosen.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return {
        "trial": study.best_trial.number,
        "trials": len(study.trials),
        "validation_accuracy": study.best_value,
        "choices": chosen,
        "command": shlex.join(words),
    }


def _draw(study: optuna.Study, folder: Path) -> list[str]:
    """Draw how much each choice mattered, and how the trials went; return where. Few trials cannot tell."""
    from optuna.visualization import matplotlib as drawings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the drawings are experimental
        made = {"history.png": drawings.plot_optimization_history(study)}
        try:
            made["importance.png"] = drawings.plot_param_importances(study)
        except (RuntimeError, ValueError) as error:
            echo(f"note: no picture of the importance of the choices ({error})")
    for name, axes in made.items():
        figure = cast("Figure", axes.figure)
        figure.set_size_inches(8, 4.5)
        figure.set_layout_engine("constrained")
        figure.savefig(folder / name, dpi=110)
    return [str(folder / name) for name in made]
