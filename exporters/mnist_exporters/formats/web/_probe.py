"""Run a WebAssembly module on the images that stdin brings. `WasmProgram` starts this in a process of its own.

A request is the number of images, four bytes, little-endian, and their pixels; the answer is, for each image, the class
as four bytes and the integers of its scores. For 0 images, the answer is the result of the self-test, four bytes.
"""

import sys
from pathlib import Path

MEMORY = 1 << 26
"""Most bytes of memory that a module may use. Models need 2 MB."""


def serve(path: Path, pixels: int, scores: int) -> None:
    """Answer requests until stdin ends; `pixels` and `scores` are the bytes of an image and of its scores."""
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
