"""Run a WebAssembly module on images from stdin. `WasmProgram` starts this module in a separate process.

A request is the number of images (four bytes, little-endian), then their pixels. The answer has, for each image, the
class (four bytes) and the integer scores. A request with 0 images runs the self-test; its result has four bytes.
"""

import sys
from pathlib import Path

MEMORY = 1 << 26
"""Limit for the memory of a module, in bytes. Models need 2 MB."""


def serve(path: Path, pixels: int, scores: int) -> None:
    """Answer requests until stdin ends. `pixels` and `scores` are the sizes in bytes of an image and of its scores."""
    import wasmtime  # an optional extra

    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    store.set_limits(memory_size=MEMORY)
    exports = wasmtime.Instance(store, wasmtime.Module(engine, path.read_bytes()), []).exports(store)
    memory, classify, self_test = (exports[name] for name in ("memory", "classify", "self_test"))
    image, found = exports["image"](store), exports["scores"](store)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while header := requests.read(4):
        count = int.from_bytes(header, "little")
        if count == 0:
            answers.write(self_test(store).to_bytes(4, "little", signed=True))
        for _ in range(count):
            memory.write(store, requests.read(pixels), image)
            answers.write(classify(store).to_bytes(4, "little", signed=True))
            answers.write(memory.read(store, found, found + scores))
        answers.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
