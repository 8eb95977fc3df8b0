"""Commands under failures of the machine: how each is run, and what is right."""
