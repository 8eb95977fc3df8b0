"""`Consistency`: two views of each picture in a batch, and a loss for what a network says differently of them.

A view is what augmentation and dropout make of a picture. That the answers be alike is asked besides their being right.

Sources: X. Liang and others, "R-Drop: Regularized Dropout for Neural Networks", 2021, where views differ by dropout
alone; D. Hendrycks and others, "AugMix", 2020, where answers are compared with their mean, the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["Consistency"]


@dataclass(frozen=True)
class Consistency:
    """How much the two views' disagreement counts beside the recipe's loss.

    Parameters
    ----------
    weight : float
        Of the Kullback-Leibler divergence, in nats, of each view's shares from the mean of both, averaged.
    """

    weight: float

    def divergence(self, answers: tf.Tensor) -> tf.Tensor:
        """Return the weighted divergence within `answers`, shares, float (2n, 10): n of first views, n of second ones.

        Examples
        --------
        >>> same, other = [[0.5, 0.5], [0.9, 0.1]], [[0.5, 0.5], [0.1, 0.9]]
        >>> [round(float(Consistency(2.0).divergence(same + views)), 3) for views in (same, other)]
        [0.0, 0.511]
        """
        import keras
        import tensorflow as tf

        views = tf.split(tf.convert_to_tensor(answers), 2)
        mean = tf.add_n(views) / len(views)
        apart = tf.add_n([keras.losses.kl_divergence(mean, view) for view in views]) / len(views)
        return self.weight * tf.reduce_mean(apart)

    def taught(self, model: keras.Model) -> keras.Model:
        """Return a model of the same layers and weights as `model` whose loss in training has the divergence in it.

        A batch of its training holds all first views, then all second ones. It validates as `model` does.

        Examples
        --------
        >>> from mnist_trainer.architecture import architecture
        >>> model = architecture("mlp").build()
        >>> Consistency(2.0).taught(model).layers[-1] is model.layers[-1]
        True
        """
        return _two_views()(inputs=model.inputs[0], outputs=model.outputs[0], consistency=self)


def _two_views() -> type[keras.Model]:
    import keras

    class TwoViews(keras.Model):  # type: ignore[misc]  # Keras is untyped
        def __init__(self, *, consistency: Consistency, **graph: Any) -> None:
            super().__init__(**graph)
            self._consistency = consistency

        def compute_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None, training: bool = True) -> Any:
            loss = super().compute_loss(x, y, y_pred, sample_weight, training)
            return loss + self._consistency.divergence(y_pred) if training else loss

    return TwoViews
