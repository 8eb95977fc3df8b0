"""Flash and RAM of a C export, compiled for microcontrollers."""
