"""`sweep`: try architectures and recipes, and learn from each trial which to try next. The search is Optuna's."""

from __future__ import annotations

import dataclasses
import importlib.util
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_runtime.errors import first_line
from mnist_trainer.architectures.registry import architecture
from mnist_trainer.augmentation.affine import AUGMENTATIONS
from mnist_trainer.errors import DivergedError, MissingPackageError, UsageError
from mnist_trainer.recipes.choices import OPTIMIZERS
from mnist_trainer.recipes.recipe import Recipe

if TYPE_CHECKING:
    import optuna

    from mnist_trainer.data.dataset import Splits

__all__ = ["Sweep", "need_optuna"]

HEARTBEAT = 30
"""Seconds between two signs of life of a trial; one that gives none for twice as long was killed, and is made again."""


@dataclass(frozen=True)
class Sweep:
    """What is searched, and where it is remembered.

    Parameters
    ----------
    architectures : tuple of str
        Rows of `ARCHITECTURES` to choose among.
    epochs : int
        Of each trial.
    seed : int
        Of every training, and of the search.
    storage : str
        URL of an Optuna storage, such as ``"sqlite:///sweep.db"``. Several processes, or machines, that are given the
        same one work on the same search.
    study : str
        Its name there.
    """

    architectures: tuple[str, ...]
    epochs: int
    seed: int
    storage: str
    study: str

    def run(self, data: Splits, trials: int) -> optuna.Study:
        """Go on with the search until it has `trials` trials that are complete or were given up as hopeless.

        A trial is judged by the share of right answers on the validation split; the test images have no say. After each
        epoch one that lags behind the median of the earlier trials is given up.

        Raises
        ------
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
        from optuna.study import MaxTrialsCallback
        from optuna.trial import TrialState

        study = self._study()
        ended = (TrialState.COMPLETE, TrialState.PRUNED)
        # Looked at before the first trial too: the callback is asked only after one.
        if len(study.get_trials(deepcopy=False, states=ended)) < trials:
            study.optimize(
                lambda trial: self._try(trial, data),
                callbacks=[MaxTrialsCallback(trials, ended)],
                catch=DivergedError,
            )
        return study

    def _study(self) -> optuna.Study:
        need_optuna()
        import optuna
        from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
        from sqlalchemy.exc import SQLAlchemyError

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of heartbeats, since 2021
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
                # A search that goes on must not draw again what it drew at first.
                sampler=optuna.samplers.TPESampler(seed=self.seed + sum(before)),
                pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
            )
        except (SQLAlchemyError, RuntimeError, ImportError, ValueError) as error:
            reason = first_line(error)
            raise UsageError(
                f"Expected the URL of a storage for Optuna, such as sqlite:///sweep.db, received {self.storage}, which "
                f"cannot be used ({reason})."
            ) from error

    def _try(self, trial: optuna.Trial, data: Splits) -> float:
        import keras
        import optuna
        import tensorflow as tf

        from mnist_trainer.training.train import train

        def report(epoch: int, figures: dict[str, float]) -> None:
            trial.report(figures["val_accuracy"], epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        tf.get_logger().setLevel("ERROR")  # it warns of many models in one process
        keras.backend.clear_session()  # else each trial holds on to the graphs of all before it
        chosen = architecture(trial.suggest_categorical("architecture", self.architectures))
        training = train(chosen, data, recipe=self._recipe(trial, chosen.recipe), seed=self.seed, follow=report)
        return float(training.record["validation_accuracy"])

    def _recipe(self, trial: optuna.Trial, own: Recipe) -> Recipe:
        return dataclasses.replace(
            own,
            epochs=self.epochs,
            patience=None,
            optimizer=trial.suggest_categorical("optimizer", tuple(OPTIMIZERS)),
            weight_decay=0.0,
            peak_learning_rate=trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True),
            batch_size=trial.suggest_categorical("batch_size", (32, 64, 128, 256)),
            augmentation=AUGMENTATIONS[trial.suggest_categorical("augmentation", tuple(AUGMENTATIONS))],
        )


def need_optuna() -> None:
    """Be sure that the search can be done.

    Raises
    ------
    MissingPackageError
        If Optuna is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise MissingPackageError(
            "Expected Optuna, which the sweep needs, it is not installed: pip install 'mnist-edge-export[sweep]'."
        )
