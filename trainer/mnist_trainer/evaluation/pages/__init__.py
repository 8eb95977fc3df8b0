"""The HTML report of `mnist-evaluate --report`, and the parts that `mnist-export --report` uses too."""
