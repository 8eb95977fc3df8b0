"""`fused_batch_norm`: a copy of a network that trains faster, with the same weights."""

from __future__ import annotations

import keras
import tensorflow as tf

from mnist_trainer.model_io.rebuild import copied, copied_layer, is_graph

__all__ = ["fused_batch_norm"]


def fused_batch_norm(model: keras.Model, precision: str) -> keras.Model:
    """Return a faster copy of `model` for training, with the same layers and weights.

    Keras 3 computes a batch normalization in about twelve operations; TensorFlow has one fused operation for it. The
    last layer stays float32, as its scores must. Models inside `model` are copied unchanged.

    Parameters
    ----------
    model : keras.Model
        A model that is not compiled. It is not changed.
    precision : str
        Arithmetic of the copy, one of `mnist_trainer.recipes.choices.PRECISIONS`.

    Examples
    --------
    >>> from mnist_trainer.architectures.registry import architecture
    >>> copy = fused_batch_norm(architecture("cnn").build(), "mixed_bfloat16")
    >>> copy.layers[0].compute_dtype, copy.layers[-1].compute_dtype
    ('bfloat16', 'float32')
    """
    last = model.layers[-1].name

    def convert(layer: keras.Layer) -> keras.Layer:
        if is_graph(layer):
            return copied(layer)
        dtype = "float32" if layer.name == last else precision
        if type(layer) is keras.layers.BatchNormalization:
            return FusedNormalization.from_config(layer.get_config() | {"dtype": dtype})
        # Not every custom layer accepts a `dtype`.
        return copied_layer(layer, **({} if layer.dtype_policy.name == dtype else {"dtype": dtype}))

    copy = keras.models.clone_model(model, clone_function=convert)
    copy.set_weights(model.get_weights())
    return copy


class FusedNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras is untyped
    """Batch normalization with TensorFlow's fused operation, over the channels of images or over flat features.

    The running variance is then that of the population, which is n / (n - 1) times the variance of the batch.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Normalize `inputs`; in training, update the running statistics."""
        rank = len(inputs.shape)
        is_usual = rank in (2, 4) and self.axis in (-1, rank - 1) and self.scale and self.center and mask is None
        if not training or not self.trainable or not is_usual:
            return super().call(inputs, training=training, mask=mask)
        images = inputs if rank == 4 else inputs[:, None, None, :]
        # tf.compat.v1.nn.fused_batch_norm is the same operation, but it warns that it is deprecated.
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
