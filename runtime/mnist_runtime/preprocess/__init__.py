"""Turn a picture of any kind into an image for a model, such as one of 28x28 pixels as in MNIST."""
