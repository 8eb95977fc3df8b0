"""Turn a picture of any kind into the 28x28 images that MNIST models expect."""
