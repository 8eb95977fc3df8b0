"""``mnist-train sweep``: search for a good recipe, and print the best one as a command that trains with it."""

from __future__ import annotations

import json
import shlex
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from mnist_runtime.errors import counted, printable
from mnist_runtime.system.atomic import atomic_files, check_output_path
from mnist_runtime.system.command import echo
from mnist_runtime.system.terminal import Progress
from mnist_trainer.architectures.registry import ARCHITECTURES
from mnist_trainer.cli.data_options import as_options, data_options
from mnist_trainer.cli.options import Command, json_option, option
from mnist_trainer.cli.parameter_types import COUNT, OUTPUT_PATH, SEED, Choice
from mnist_trainer.data.load import load_data
from mnist_trainer.errors import require_extras
from mnist_trainer.keras_support import import_tensorflow

if TYPE_CHECKING:
    import optuna
    from matplotlib.figure import Figure

    from mnist_trainer.data.stated import StatedTask

__all__ = ["sweep"]

EXAMPLES = """
mnist-train sweep --trials 20
mnist-train sweep --architecture mlp --architecture lenet --epochs 5
mnist-train sweep --storage postgresql://user@host/sweeps
"""

SEARCH = "Search"


@click.command(
    "sweep",
    cls=Command,
    help="""Search for the architecture and recipe with the best validation accuracy.

    The same command continues a sweep that was stopped. Several machines with the same --storage share the trials.""",
    short_help="Search for the architecture and recipe with the best validation accuracy.",
    examples=EXAMPLES,
)
@option(
    "--architecture",
    "architectures",
    section=SEARCH,
    type=Choice(tuple(ARCHITECTURES)),
    multiple=True,
    help=f"Architecture to try; may be repeated: {', '.join(ARCHITECTURES)} (default: all).",
)
@data_options(section=SEARCH)
@option(
    "--trials", section=SEARCH, type=COUNT, default=20, metavar="N", help="Number of trials in total (default: 20)."
)
@option(
    "--epochs", section=SEARCH, type=COUNT, default=3, metavar="N", help="Number of epochs of each trial (default: 3)."
)
@option("--seed", section=SEARCH, type=SEED, default=0, metavar="N", help="Seed of the search (default: 0).")
@option(
    "--output",
    type=OUTPUT_PATH,
    default=Path("sweep"),
    metavar="DIR",
    help="Folder for the results (default: sweep).",
)
@option("--storage", metavar="URL", help="Storage of Optuna (default: the SQLite file sweep.db in the output folder).")
@option("--study", default="digits", metavar="NAME", help="Name of the study in the storage (default: digits).")
@json_option()
def sweep(
    *,
    architectures: tuple[str, ...],
    data: str,
    stated: StatedTask,
    trials: int,
    epochs: int,
    seed: int,
    output: Path,
    storage: str | None,
    study: str,
    as_json: bool,
) -> int:
    """Run a sweep and print the command for its best trial."""
    require_extras(sweep="The sweep")
    check_output_path(output / "sweep.db")
    splits = load_data(data, stated=stated)
    import_tensorflow()
    from mnist_trainer.training.sweep import Sweep

    search = Sweep(
        architectures=tuple(dict.fromkeys(architectures or ARCHITECTURES)),
        epochs=epochs,
        seed=seed,
        storage=storage or f"sqlite:///{output / 'sweep.db'}",
        study=study,
    )
    length = f"{counted(trials, 'trial')} of {counted(epochs, 'epoch')}"
    echo(f"{length} on {len(splits.train):,} images of {splits.train.name}")
    with Progress(float(trials)) as progress:
        found = search.run(splits, trials, progress)
    pictures = _draw(found, output)
    words = ["mnist-train", "--data", data, *as_options(stated), "--epochs", str(epochs), "--seed", str(seed)]
    best = _best(found, words)
    print(json.dumps({**best, "pictures": pictures}, indent=2) if as_json else printable(best["command"]))
    echo(f"best: {best['validation_accuracy']:.2%} of the validation images, trial {best['trial']} of {best['trials']}")
    return 0


def _best(study: optuna.Study, words: list[str]) -> dict[str, Any]:
    """Return the best trial, with the command that repeats it: `words` and its choices."""
    chosen = study.best_params
    for name, value in chosen.items():
        words = [*words, f"--{name.replace('_', '-')}", str(value)]
    return {
        "trial": study.best_trial.number,
        "trials": len(study.trials),
        "validation_accuracy": study.best_value,
        "choices": chosen,
        "command": shlex.join(words),
    }


def _draw(study: optuna.Study, folder: Path) -> list[str]:
    """Draw the history of the trials and the importance of the choices; return the paths of the pictures."""
    from optuna.visualization import matplotlib as drawings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # these drawings are experimental
        made = {"history.png": drawings.plot_optimization_history(study)}
        try:
            made["importance.png"] = drawings.plot_param_importances(study)
        except (RuntimeError, ValueError) as error:  # too few trials
            echo(f"note: the importance of the choices cannot be drawn ({error})")
    with atomic_files(folder) as staged:
        for name, axes in made.items():
            figure = cast("Figure", axes.figure)
            figure.set_size_inches(8, 4.5)
            figure.set_layout_engine("constrained")
            figure.savefig(staged / name, dpi=110)
    return [str(folder / name) for name in made]
