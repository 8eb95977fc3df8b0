"""A hand-made `Contents` that several tests change."""

from mnist_exporters.formats.contents import Contents, TensorFacts
from mnist_runtime import QuantParams

PIXELS = TensorFacts("pixels", "uint8", (-1, 28, 28, 1), is_constant=False, affine=QuantParams(1 / 255, 0, "uint8"))
SCORES = TensorFacts("scores", "uint8", (-1, 10), is_constant=False)
INT8_CONTENTS = Contents(
    format="tflite",
    tensors=(PIXELS, SCORES),
    input=PIXELS,
    output=SCORES,
    weights={"int8": 1000, "float32": 10},
    weight_types={"CONV_2D": ("int8",)},
    activations=("int8",),
    operators={"CONV_2D": 3},
    foreign=(),
)
"""A correct int8 ``.tflite`` model of one convolution, as it should be read."""
