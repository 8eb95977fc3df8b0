"""`fused_batch_norm`: a network as it is trained: the same weights, in operations that a processor does faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["fused_batch_norm"]


def fused_batch_norm(model: keras.Model, precision: str) -> keras.Model:
    """Return a model of the same layers and weights that does in training what `model` does, but faster.

    Keras 3 normalises a batch in a dozen passes over it; TensorFlow has one operation for all. The last layer stays
    float32, as its scores must.

    Parameters
    ----------
    model : keras.Model
        Not compiled. It is left as it is.
    precision : str
        One of `PRECISIONS`.

    Examples
    --------
    >>> from mnist_trainer.architectures.registry import architecture
    >>> copy = fused_batch_norm(architecture("cnn").build(), "mixed_bfloat16")
    >>> copy.layers[0].compute_dtype, copy.layers[-1].compute_dtype
    ('bfloat16', 'float32')
    """
    import keras

    fused, last = _fused_normalization(), model.layers[-1].name

    def as_trained(layer: keras.Layer) -> keras.Layer:
        kind = fused if type(layer) is keras.layers.BatchNormalization else type(layer)
        return kind.from_config(layer.get_config() | {"dtype": "float32" if layer.name == last else precision})

    copy = keras.models.clone_model(model, clone_function=as_trained)
    copy.set_weights(model.get_weights())
    return copy


def _fused_normalization() -> type[keras.layers.BatchNormalization]:
    import keras
    import tensorflow as tf

    class FusedNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras is untyped
        """A batch normalisation; in one operation where it is over the channels of images, or over features.

        The running variance is then that of the population that the batch is drawn from, n / (n - 1) times the batch's.
        """

        def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
            rank = len(inputs.shape)
            is_usual = rank in (2, 4) and self.axis in (-1, rank - 1) and self.scale and self.center and mask is None
            if not training or not is_usual:
                return super().call(inputs, training=training, mask=mask)
            images = inputs if rank == 4 else inputs[:, None, None, :]
            # Not tf.compat.v1.nn.fused_batch_norm, the same operation, which warns that it is old.
            outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=images,
                scale=self.gamma.value,
                offset=self.beta.value,
                mean=[],
                variance=[],
                epsilon=self.epsilon,
                is_training=True,
            )
            for running, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                running.assign(running * self.momentum + now * (1 - self.momentum))
            return tf.reshape(outputs, tf.shape(inputs))

    return FusedNormalization
