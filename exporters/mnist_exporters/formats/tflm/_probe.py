"""Print what TensorFlow Lite Micro allocates for the model on stdin. `arena_bytes_needed` runs this module."""

import sys


def probe(model: bytes, arena_bytes: int) -> None:
    """Load `model` with `arena_bytes` of working memory, and let the interpreter print its allocations."""
    from tflite_micro.python.tflite_micro import runtime  # an optional extra

    runtime.Interpreter.from_bytes(model, arena_size=arena_bytes).print_allocations()


if __name__ == "__main__":
    probe(sys.stdin.buffer.read(), int(sys.argv[1]))
