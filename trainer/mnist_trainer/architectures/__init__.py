"""The networks, one a module; the table of `mnist_trainer.architecture` names them."""
