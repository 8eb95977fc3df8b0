"""Build the documentation site: stage its pages, generate the reference from the code, check what was built."""
