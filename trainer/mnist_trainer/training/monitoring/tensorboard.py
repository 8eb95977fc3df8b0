"""`EventLog`: event files for TensorBoard, written with TensorFlow alone."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from tensorflow.core.framework.summary_pb2 import DATA_CLASS_SCALAR, SummaryMetadata

__all__ = ["EventLog"]


class EventLog:
    """The figures of each epoch, in the subfolders ``train`` and ``validation`` of `folder`, as Keras writes them.

    `tf.summary.scalar` and Keras's callback need the package ``tensorboard``; `tf.summary.write` does not. The package
    is needed only to view the curves.
    """

    def __init__(self, folder: Path) -> None:
        self._writers = {
            "val_": tf.summary.create_file_writer(str(folder / "validation")),
            "": tf.summary.create_file_writer(str(folder / "train")),
        }

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        """Write the figures of epoch `number`, counted from 0, to the disk."""
        scalar = SummaryMetadata(data_class=DATA_CLASS_SCALAR)
        scalar.plugin_data.plugin_name = "scalars"
        for name, value in figures.items():
            prefix = next(prefix for prefix in self._writers if name.startswith(prefix))
            with self._writers[prefix].as_default():
                tf.summary.write(f"epoch_{name.removeprefix(prefix)}", tf.constant(value), step=number, metadata=scalar)
        for writer in self._writers.values():
            writer.flush()
