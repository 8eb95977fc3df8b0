"""Random changes of training images, as TensorFlow functions. The settings: `mnist_trainer.recipes.augmentations`."""
