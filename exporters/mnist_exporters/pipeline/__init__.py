"""Export, proof and verification of files."""
