"""Release steps: the tables of the documentation, the device wheel and the operators of each interpreter."""
