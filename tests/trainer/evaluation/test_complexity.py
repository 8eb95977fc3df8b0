import keras

from mnist_trainer.evaluation.complexity import macs


def test_a_convolution_counts_each_position_of_its_output() -> None:
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(8, 5, strides=2),  # 12 x 12
            keras.layers.BatchNormalization(),
            keras.layers.DepthwiseConv2D(3, padding="same"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10),
        ]
    )
    assert macs(model) == 12 * 12 * (25 * 8 + 9 * 8) + 80
