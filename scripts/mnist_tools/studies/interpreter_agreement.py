"""Print how far the TFLite interpreters and NumPy agree on int8 files; run by scripts/agreement.

With files, or none for the ready model, it starts each interpreter in a process of its own, since two of them cannot
share one, and prints the matrices; `answer NAME FILE IMAGES SCORES` is one such process.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.integer[Any]]

BATCH = 256
RANDOM_IMAGES = 100_000
READY_MODEL = Path(__file__).parents[3] / "runtime/mnist_runtime/models/cnn-int8.tflite"


def numpy_backend(content: bytes) -> Callable[[Scores], Scores]:
    """Return what runs images through this project's own kernels."""
    from mnist_runtime.backends.numpy_int8 import load_numpy

    return load_numpy(content).run


def litert_reference(content: bytes) -> Callable[[Scores], Scores]:
    """Return what runs images through LiteRT's kernels written for reading."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    return runner(Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF))


def litert(content: bytes) -> Callable[[Scores], Scores]:
    """Return what runs images through LiteRT as everyone uses it, with XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter

    return runner(Interpreter(model_content=content))


def tflite_runtime(content: bytes) -> Callable[[Scores], Scores]:
    """Return what runs images through tflite-runtime."""
    from tflite_runtime.interpreter import Interpreter

    return runner(Interpreter(model_content=content))


def runner(interpreter: Any) -> Callable[[Scores], Scores]:
    """Return what runs images through a TFLite interpreter, of whichever package."""
    (given,), (taken,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(images: Scores) -> Scores:
        interpreter.resize_tensor_input(given["index"], images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], images)
        interpreter.invoke()
        scores: Scores = interpreter.get_tensor(taken["index"])
        return scores

    return run


INTERPRETERS = {
    "numpy": numpy_backend,
    "litert-reference": litert_reference,
    "litert": litert,
    "tflite-runtime": tflite_runtime,
}


def answer(name: str, file: str, images: str, scores: str) -> None:
    """Write the scores that one interpreter gives to all images."""
    run = INTERPRETERS[name](Path(file).read_bytes())
    given = np.load(images)[..., None]
    np.save(scores, np.concatenate([run(given[start : start + BATCH]) for start in range(0, len(given), BATCH)]))


def image_sets() -> dict[str, npt.NDArray[np.uint8]]:
    """Return MNIST's test images, and noise, of which half is mostly black, as digits are."""
    from mnist_trainer import load_data

    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (RANDOM_IMAGES, 28, 28), dtype=np.uint8)
    noise[: RANDOM_IMAGES // 2][generator.random((RANDOM_IMAGES // 2, 28, 28), dtype=np.float32) < 0.8] = 0
    return {"MNIST, test": load_data("mnist").test.images, "random": noise}


def matrix(scores: dict[str, Scores]) -> str:
    """Return a Markdown table: answers that differ, and the largest difference of a score in steps."""
    lines = ["| | " + " | ".join(scores) + " |", "|---|" + "---|" * len(scores)]
    for name, mine in scores.items():
        cells = []
        for theirs in scores.values():
            answers = int(np.sum(mine.argmax(axis=1) != theirs.argmax(axis=1)))
            steps = int(np.abs(mine.astype(np.int64) - theirs.astype(np.int64)).max())
            cells.append(f"{answers} / {steps}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(files: list[Path]) -> None:
    """Print one matrix for each file and set of images."""
    sets = image_sets()
    with tempfile.TemporaryDirectory() as folder:
        images, scores = Path(folder) / "images.npy", Path(folder) / "scores.npy"
        for file in files:
            for title, each in sets.items():
                np.save(images, each)
                found = {}
                for name in INTERPRETERS:
                    command = [sys.executable, __file__, "answer", name, str(file), str(images), str(scores)]
                    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
                    found[name] = np.load(scores)
                print(f"\n{file.name}, {len(each):,} images ({title}): answers that differ / largest step\n")
                print(matrix(found), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["answer"]:
        answer(*sys.argv[2:])
    else:
        main([Path(argument) for argument in sys.argv[1:]] or [READY_MODEL])
