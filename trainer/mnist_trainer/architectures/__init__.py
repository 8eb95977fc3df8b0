"""The networks, one a module; the table of `mnist_trainer.architectures.registry` names them."""
