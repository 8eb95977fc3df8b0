"""Run commands under failures of the machine: the cases, and the allowed results of each."""
