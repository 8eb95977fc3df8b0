"""Use one classifier in 64 threads and in 64 tasks of asyncio; all answers must be those of one thread."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

from mnist_runtime import Artifact, Classifier

MANY = 64


def main() -> int:
    """Return 0 if all answers are the same."""
    path = sys.argv[1]
    images = Artifact.open(path).golden.images
    with Classifier.load(path) as classifier:
        expected = classifier.predict(images).tolist()

        def answer(_: int) -> list[int]:
            found: list[int] = classifier.predict(images).tolist()
            return found

        with ThreadPoolExecutor(MANY) as pool:
            answers = list(pool.map(answer, range(4 * MANY)))

        async def at_once() -> list[list[int]]:
            return await asyncio.gather(*(asyncio.to_thread(answer, number) for number in range(MANY)))

        answers += asyncio.run(at_once())
    return int(any(found != expected for found in answers))


if __name__ == "__main__":
    sys.exit(main())
