"""Command line ``mnist-export`` with its subcommands verify, seal, inspect, sign and deploy."""
