"""`Source`: the model and the data that a command was given, and the options that name them."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.original import PIXEL_RANGES, Original
from mnist_runtime.command import say
from mnist_trainer.architecture import ARCHITECTURES
from mnist_trainer.cli import DATA_HELP

if TYPE_CHECKING:
    from mnist_trainer.dataset import Splits

__all__ = ["Source"]

MODEL_HELP = f"{', '.join(ARCHITECTURES)}, or a .keras file"


@dataclass(frozen=True)
class Source:
    """The original, by name or path, and the data it is asked about.

    Parameters
    ----------
    model, data : str
        As on the command line.
    pixel_range : str or None
        What the model was trained on; None to find out.
    """

    model: str
    data: str
    pixel_range: str | None

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
        group.add_argument("--pixel-range", choices=tuple(PIXEL_RANGES), help="it was trained on (default: measured)")
        group.add_argument("--data", default="auto", metavar="NAME|PATH", help=DATA_HELP)

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Source:
        """Return the source that the options name."""
        return cls(arguments.model, arguments.data, arguments.pixel_range)

    @property
    def path(self) -> Path:
        """The model's file; see `mnist_trainer.model_path` for what may be wrong with it."""
        from mnist_trainer.model_file import model_path

        return model_path(self.model)

    def load(self) -> tuple[Original, Splits]:
        """Load both: the data first, since what is wrong with it is told before TensorFlow takes its seconds."""
        from mnist_trainer.datasets import load_data
        from mnist_trainer.model_file import load_model
        from mnist_trainer.tensorflow_import import import_tensorflow

        path = self.path
        data = load_data(self.data)
        import_tensorflow()
        original = Original.adopt(
            load_model(self.model),
            data.test,
            name=path.stem,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            pixel_range=self.pixel_range,
        )
        origin = "as given" if self.pixel_range else "measured"
        say(f"{original.name}: trained on pixels {original.pixel_range} ({origin})")
        return original, data
