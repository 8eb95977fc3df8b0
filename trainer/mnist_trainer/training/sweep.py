"""`Sweep`: search for a good architecture and recipe with Optuna."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from mnist_runtime.errors import first_line
from mnist_runtime.system.terminal import Progress, step_of
from mnist_trainer.architectures.registry import architecture
from mnist_trainer.data.dataset import Splits
from mnist_trainer.errors import DivergedError, UsageError, require_extras
from mnist_trainer.recipes.augmentations import AUGMENTATIONS
from mnist_trainer.recipes.choices import OPTIMIZERS
from mnist_trainer.recipes.recipe import Recipe
from mnist_trainer.training.train import train

if TYPE_CHECKING:
    import optuna

__all__ = ["Sweep"]

HEARTBEAT = 30
"""Seconds between two heartbeats of a trial. A trial without one for twice as long was killed, and is repeated."""


@dataclass(frozen=True)
class Sweep:
    """A search, and the storage that keeps its results.

    Parameters
    ----------
    architectures : tuple of str
        Names of the architectures to choose from.
    epochs : int
        Number of epochs of each trial.
    seed : int
        Seed of every training and of the search.
    storage : str
        URL of an Optuna storage, such as ``"sqlite:///sweep.db"``. Several processes or machines can share one and
        work on the same search.
    study : str
        Name of the search in the storage.
    """

    architectures: tuple[str, ...]
    epochs: int
    seed: int
    storage: str
    study: str

    def run(self, data: Splits, trials: int, progress: Progress | None = None) -> optuna.Study:
        """Start or continue the search until `trials` trials are finished or stopped early.

        The score of a trial is its accuracy on the validation images; the test images are not used. After each epoch,
        a trial below the median of the earlier trials is stopped, as is one whose loss is not finite. `progress` gets
        a step of a second for each trial.

        Raises
        ------
        DivergedError
            If no trial was finished, because all losses became infinite or not a number.
        MissingPackageError
            If Optuna is not installed.
        UsageError
            If the storage cannot be used.

        Examples
        --------
        >>> from tempfile import mkdtemp
        >>> from mnist_trainer import load_data
        >>> storage = f"sqlite:///{mkdtemp()}/sweep.db"
        >>> search = Sweep(("linear",), epochs=1, seed=0, storage=storage, study="mine")
        >>> study = search.run(load_data("digits"), trials=1)
        >>> study.best_params["architecture"]
        'linear'
        """
        require_extras(sweep="The sweep")
        from optuna.study import MaxTrialsCallback
        from optuna.trial import TrialState

        study = self._study()
        ended = (TrialState.COMPLETE, TrialState.PRUNED)
        # The callback that ends the search runs only after a trial. So check before the first one too.
        if len(study.get_trials(deepcopy=False, states=ended)) < trials:

            def search(trial: optuna.Trial) -> float:
                with step_of(progress, f"trial {trial.number + 1} of {trials}", 1.0):
                    return self._try(trial, data)

            study.optimize(search, callbacks=[MaxTrialsCallback(trials, ended)])
        if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            raise DivergedError(
                f"No trial of the sweep {self.study} has a model: each loss became infinite or not a number. Check the "
                "images, choose another --architecture, or continue with more --trials."
            )
        return study

    def _study(self) -> optuna.Study:
        """Open the study, or create it."""
        import optuna
        from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
        from sqlalchemy.exc import SQLAlchemyError

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # heartbeats: experimental since 2021
        try:
            storage = RDBStorage(
                self.storage,
                heartbeat_interval=HEARTBEAT,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(),
            )
            before = [one.n_trials for one in optuna.get_all_study_summaries(storage) if one.study_name == self.study]
            return optuna.create_study(
                storage=storage,
                study_name=self.study,
                direction="maximize",
                load_if_exists=True,
                # A continued search must not repeat the random choices of its first trials.
                sampler=optuna.samplers.TPESampler(seed=self.seed + sum(before)),
                pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
            )
        except (SQLAlchemyError, RuntimeError, ImportError, ValueError) as error:
            raise UsageError(
                f"The Optuna storage {self.storage} cannot be used ({first_line(error)}). Give a URL such as "
                "sqlite:///sweep.db."
            ) from error

    def _try(self, trial: optuna.Trial, data: Splits) -> float:
        """Train one model; return its accuracy on the validation images."""
        import optuna

        def report(epoch: int, figures: dict[str, float]) -> None:
            trial.report(figures["val_accuracy"], epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        tf.get_logger().setLevel("ERROR")  # it warns of many models in one process
        keras.backend.clear_session()  # frees the graphs of the earlier trials
        chosen = architecture(trial.suggest_categorical("architecture", self.architectures))
        recipe = self._recipe(trial, chosen.recipe.for_task(data.train.task))
        try:
            training = train(chosen, data, recipe=recipe, seed=self.seed, callback=report)
        except DivergedError as error:  # prune it: the search learns nothing from failed trials
            raise optuna.TrialPruned from error
        return float(training.record["validation_accuracy"])

    def _recipe(self, trial: optuna.Trial, own: Recipe) -> Recipe:
        """Return the recipe of a trial: `own` with Optuna's choices, the same as ``mnist-train`` with these options."""
        optimizer = trial.suggest_categorical("optimizer", tuple(OPTIMIZERS))
        return dataclasses.replace(
            own,
            epochs=self.epochs,
            optimizer=optimizer,
            weight_decay=own.weight_decay if optimizer == "adamw" else 0.0,
            peak_learning_rate=trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True),
            batch_size=trial.suggest_categorical("batch_size", (32, 64, 128, 256)),
            augmentation=AUGMENTATIONS[trial.suggest_categorical("augmentation", tuple(AUGMENTATIONS))],
        )
