"""`EventLog`: the curves of a run for TensorBoard, written by TensorFlow alone."""

from __future__ import annotations

from pathlib import Path

__all__ = ["EventLog"]


class EventLog:
    """Figures by epoch in `folder`/train and `folder`/validation, as Keras's own callback lays them out.

    `tf.summary.scalar` and that callback need the package ``tensorboard`` to write; `tf.summary.write` does not, so
    that only looking at the curves does.
    """

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        self._writers = {
            "val_": tf.summary.create_file_writer(str(folder / "validation")),
            "": tf.summary.create_file_writer(str(folder / "train")),
        }

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        """Write the figures of epoch `number`, counted from 0; each is on the disk when this returns."""
        import tensorflow as tf
        from tensorflow.core.framework.summary_pb2 import DATA_CLASS_SCALAR, SummaryMetadata

        scalar = SummaryMetadata(data_class=DATA_CLASS_SCALAR)
        scalar.plugin_data.plugin_name = "scalars"
        for name, value in figures.items():
            prefix = next(prefix for prefix in self._writers if name.startswith(prefix))
            with self._writers[prefix].as_default():
                tf.summary.write(f"epoch_{name.removeprefix(prefix)}", tf.constant(value), step=number, metadata=scalar)
        for writer in self._writers.values():
            writer.flush()
