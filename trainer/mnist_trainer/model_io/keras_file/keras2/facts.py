"""Tables of the differences between the configurations of Keras 2 and Keras 3."""

from __future__ import annotations

__all__ = [
    "ANY", "NO_OPERATION", "ONLY_FOR_TRAINING", "PREFIXES", "REMOVED", "REMOVED_FROM", "RENAMED_CLASSES",
    "RENAMED_FUNCTIONS",
]  # fmt: skip

ANY = object()
"""Stands for every value."""

ONE_GROUP: dict[str, object] = {"groups": 1}
SPATIAL = {"trainable": ANY, "noise_shape": None}

ONLY_FOR_TRAINING = ("_initializer", "_regularizer", "_constraint")
"""Suffixes of arguments that a trained model does not need. They are dropped, because their format changed often."""

REMOVED: dict[str, object] = {
    "batch_input_shape": ANY, "input_dtype": ANY, "input_length": ANY, "ragged": False, "rng_type": ANY,
    "sparse": False, "time_major": False,
}  # fmt: skip
"""Argument that no layer of Keras 3 has -> the value for which it can be dropped without a change of results."""

REMOVED_FROM: dict[str, dict[str, object]] = {
    "AdditiveAttention": {"causal": False},
    "Attention": {"causal": False},
    "BatchNormalization": {
        "fused": ANY,
        "renorm": False,
        "renorm_clipping": ANY,
        "renorm_momentum": ANY,
        "virtual_batch_size": None,
    },
    "Conv1DTranspose": ONE_GROUP,
    "Conv2DTranspose": ONE_GROUP,
    "DepthwiseConv1D": ONE_GROUP,
    "DepthwiseConv2D": ONE_GROUP,
    "Lambda": {"function_type": ANY, "module": ANY, "output_shape_type": ANY, "output_shape_module": ANY},
    "MultiHeadAttention": {"query_shape": ANY, "key_shape": ANY, "value_shape": ANY},
    "SeparableConv1D": ONE_GROUP,
    "SeparableConv2D": ONE_GROUP,
    "SpatialDropout1D": SPATIAL,
    "SpatialDropout2D": SPATIAL,
}
"""The same for single classes of layers. Other arguments stay, and Keras 3 rejects those that it does not know."""

PREFIXES = ("keras>", "Keras>", "Preprocessing>", "Experimental>", "Functional>")
"""Prefixes of the registered names of Keras's own classes."""

RENAMED_CLASSES = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "GRUV2": "GRU",
    "LSTMV2": "LSTM",
    "Model": "Functional",
}
"""Class of Keras 2 -> the class of Keras 3 that does the same."""

NO_OPERATION = (
    "RandomBrightness", "RandomContrast", "RandomFlip", "RandomHeight", "RandomRotation", "RandomTranslation",
    "RandomWidth", "RandomZoom",
)  # fmt: skip
"""Augmentation layers. They change images in training only, so an `Identity` takes their place."""

RENAMED_FUNCTIONS = {"log_softmax_v2": "log_softmax", "softmax_v2": "softmax", "swish": "silu"}
"""Name of an activation as TensorFlow or Keras 2 wrote it -> its name in Keras 3."""
