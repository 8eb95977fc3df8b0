"""Detect MNIST's training images in the user's data. Kaggle's ``train.csv``, for example, contains most of them."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

__all__ = ["mnist_training_images"]

MNIST_IMAGES = 60_000
LEAST_FOUND = 2
"""Smallest number of sample images that must be found; a single one may be there by coincidence."""

DIGESTS = """
23ceaef5eb61 2e8c611acb47 b5441f7f3617 fa9b45cd4275 77c3fa68347a edc2f03beaf3 4788260279bd 56b67b2d028a
1e326f92f420 f0a634caba26 04485eff3c16 41bfce37ea52 a1715f0380c9 5e987f0fd9d7 33ab073ee6a5 023c115b1cb9
adb66a1771a3 8b19a1839483 5980a73c019c bea50b91ff6b 63b8fd743b8c 31d1c42b3d9c 28bb3966bbb6 69e5e48b0f9f
7e72add6f9ff 43b439e70a4f d8282a87698d bdc149601e95 8ea10e4f84a4 710b539c1da9 df7d6391f7a0 fac1f3a60bcc
2690ca4a94c0 ec8aa3a37219 e253a7635fd9 74550abadd37 53631e5ed46d 7c4206cf9094 3c3a7797c829 a7932782fecc
d79c62478970 40c97e12ba2a f822fa11d53a 94b704f083e2 d5084a5ba4c3 9708798faebb e07c6f3c5992 f353fadd07ae
4fd8e24e60db 62f320b34aca 68ef3359b28a 7c6a265da87f d3c7f93bcb0e 2e6bd2301631 6c89728b1519 c520b34fd45c
6bb12571ede6 e4ccead3efa5 2fb5b67add33 be250261b9b2 db11a5470e46 daedbf81a2b6 d8317f165ea8 1f438a490cdf
476409893242 a6bf221d6b5b 7f23f96b2afe b4c31f5fe2b4 5c1a139d77f0 70352ed58f88 c3df3ad265be 216775340684
2ec3568309fb 9217e6a30ce3 f7f0ccdab7d4 d85208e07f38 ccc4d504b0f3 2f9f72054eb8 a9d2729085fb c2197be3d20e
359aa73034b0 841df56a5335 b77814f1b1cf 519e7b418d19 29bd2c47b8e9 1fc1be584a9d f1475f1ca3cd cd97a43b47ac
62e113fc9a61 ac440cb9d8b0 6d200d71ff98 016b63a24e0d 04c326fc19f2 0dc4a74695e9 c4b69598d920 782f7330d5e8
003b5ecf121d 82a4e10adaec 53e37fe4f932 cb892b274bcc
"""
"""The sample: the first twelve hexadecimal digits of the SHA-256 of every 600th training image of MNIST."""

SAMPLE = frozenset(DIGESTS.split())


def mnist_training_images(images: npt.NDArray[np.uint8]) -> int:
    """Estimate how many of `images`, uint8 (n, 28, 28), are training images of MNIST, from a sample of 100 of these.

    Examples
    --------
    >>> mnist_training_images(np.zeros((3, 28, 28), np.uint8))
    0
    """
    found = SAMPLE & {hashlib.sha256(image.tobytes()).hexdigest()[:12] for image in images}
    if len(found) < LEAST_FOUND:
        return 0
    return min(len(images), round(len(found) / len(SAMPLE) * MNIST_IMAGES))
