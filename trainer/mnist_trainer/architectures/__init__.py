"""The network architectures. Each has a name, a function that builds it and the recipe that trains it."""
