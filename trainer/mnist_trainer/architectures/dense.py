"""The dense networks: `linear`, `mlp` (128-64-10), and `dense-100`, `flatten-100`, `dense-1000` from tutorials.

`linear` is trained with a binary cross-entropy for each sigmoid. Tutorials use a cross-entropy that normalizes the ten
scores first. The score of a right answer can then be as low as 0.02, and int8 output, with steps of 1/256, cannot
separate such scores. In int8, `linear` gave 104 of 10,000 wrong answers more with that loss; with this one, 13 more.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer.architectures.base import Architecture
from mnist_trainer.recipes.augmentations import AUGMENTATIONS
from mnist_trainer.recipes.recipe import TUTORIAL, Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["DENSE_100", "DENSE_1000", "FLATTEN_100", "LINEAR", "MLP"]


def build_dense(
    name: str, widths: dict[str, int], scores: str, task: Task = DIGITS, *, is_flat: bool = False
) -> keras.Model:
    """Build a dense network from float32 images, (n, h, w[, 3]) or (n, h * w * c), to a score for each class.

    Parameters
    ----------
    name : str
        Name of the model.
    widths : dict of str to int
        Name of each hidden layer -> its number of units, in the order of the layers. The activation is ReLU.
    scores : str
        Activation of the last layer: ``"sigmoid"`` or ``"softmax"``.
    task : Task
        Images and classes.
    is_flat : bool
        Whether the input is a row of pixels; otherwise it is an image, which is flattened first.
    """
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((task.pixels,) if is_flat else task.image_shape, name="pixels"),
            *([] if is_flat else [layers.Flatten(name="flatten")]),
            *(layers.Dense(width, activation="relu", name=layer) for layer, width in widths.items()),
            layers.Dense(len(task.labels), activation=scores, name="scores"),
        ],
        name=name,
    )


LINEAR = Architecture(
    name="linear",
    summary="one dense layer, ten sigmoids",
    build=partial(build_dense, "linear", {}, "sigmoid"),
    recipe=Recipe(
        epochs=12,
        batch_size=128,
        peak_learning_rate=1e-2,
        weight_decay=1e-3,
        loss="binary_crossentropy",
    ),
)

DENSE_100 = Architecture(
    name="dense-100",
    summary="one hidden layer of 100 on 784 pixels in a row, ten sigmoids",
    build=partial(build_dense, "dense-100", {"hidden": 100}, "sigmoid", is_flat=True),
    recipe=TUTORIAL,
)

FLATTEN_100 = Architecture(
    name="flatten-100",
    summary="one hidden layer of 100 on 28x28 pixels, flattened inside, ten sigmoids",
    build=partial(build_dense, "flatten-100", {"hidden": 100}, "sigmoid"),
    recipe=TUTORIAL,
)

DENSE_1000 = Architecture(
    name="dense-1000",
    summary="one hidden layer of 1,000",
    build=partial(build_dense, "dense-1000", {"hidden": 1000}, "softmax"),
    recipe=TUTORIAL,
)

MLP = Architecture(
    name="mlp",
    summary="two hidden layers, 128 and 64 wide",
    build=partial(build_dense, "mlp", {"hidden1": 128, "hidden2": 64}, "softmax"),
    recipe=Recipe(
        epochs=20,
        batch_size=128,
        peak_learning_rate=3e-3,
        weight_decay=1e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["light"],
    ),
)
