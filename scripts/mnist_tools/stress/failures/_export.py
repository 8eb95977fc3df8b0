"""``mnist-export``, for a program that runs modules."""

from mnist_exporters.cli.main import main

main()
