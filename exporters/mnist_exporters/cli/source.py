"""`Source`: the model and the data that a command was given, and the options that name them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.inputs.original import PIXEL_RANGES, Original
from mnist_runtime.system.command import echo
from mnist_trainer.cli.options import DATA_HELP, MODEL_HELP, TRUST_HELP

if TYPE_CHECKING:
    from mnist_trainer.data.dataset import Splits

__all__ = ["Source"]


@dataclass(frozen=True)
class Source:
    """The original, by name or path, and the data it is asked about.

    Parameters
    ----------
    model, data : str
        As on the command line.
    pixel_range : str or None
        What the model was trained on; None to find out.
    trust : bool
        Whether code that the model's file may carry is run.
    """

    model: str
    data: str
    pixel_range: str | None
    trust: bool

    @staticmethod
    def add_options(parser: argparse.ArgumentParser, model_option: str, default: str | None) -> None:
        """Let `parser` take what names a source; the option of the model is called `model_option`."""
        group = parser.add_argument_group("the original and the data")
        note = f" (default: {default})" if default else ""
        group.add_argument(
            model_option,
            dest="model",
            default=default,
            required=default is None,
            metavar="NAME|PATH",
            help=MODEL_HELP + note,
        )
        group.add_argument("--trust", action="store_true", help=TRUST_HELP)
        group.add_argument("--pixel-range", choices=tuple(PIXEL_RANGES), help="it was trained on (default: measured)")
        group.add_argument("--data", default="auto", metavar="NAME|PATH", help=DATA_HELP)

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Source:
        """Return the source that the options name."""
        return cls(arguments.model, arguments.data, arguments.pixel_range, arguments.trust)

    @property
    def path(self) -> Path:
        """The model's file; see `mnist_trainer.find_model` for what may be wrong with it."""
        from mnist_trainer.model_io.find import find_model

        return find_model(self.model).path

    @property
    def name(self) -> str:
        """What exports are called after."""
        from mnist_trainer.model_io.find import find_model

        return find_model(self.model).name

    def load(self) -> tuple[Original, Splits]:
        """Load both: the data first, since what is wrong with it is told before TensorFlow takes its seconds."""
        from mnist_trainer.data.load import load_data
        from mnist_trainer.keras_support import import_tensorflow
        from mnist_trainer.model_io.find import find_model
        from mnist_trainer.model_io.load import load_model

        file = find_model(self.model)
        data = load_data(self.data)
        import_tensorflow()
        original = Original.from_keras(
            load_model(file, trust=self.trust),
            data.test,
            name=file.name,
            sha256=file.sha256,
            pixel_range=self.pixel_range,
            recorded=file.record.get("pixel_range"),
        )
        echo(f"{original.name}: trained on pixels {original.pixel_range} ({original.range_origin})")
        return original, data
