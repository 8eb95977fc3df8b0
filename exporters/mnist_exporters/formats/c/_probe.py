"""Print what TensorFlow Lite Micro allocates for the model on stdin. `arena_bytes_needed` runs this module."""

import sys

LARGEST_ARENA = 2**26


def probe(model: bytes) -> None:
    """Load `model` and let the interpreter print its allocations."""
    from tflite_micro.python.tflite_micro import runtime  # an optional extra

    runtime.Interpreter.from_bytes(model, arena_size=LARGEST_ARENA).print_allocations()


if __name__ == "__main__":
    probe(sys.stdin.buffer.read())
