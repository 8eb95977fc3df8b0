"""Read test vectors, quantization and operators back from the two files of a C export."""

from __future__ import annotations

import re

import numpy as np

from mnist_exporters.formats.c.writing.packed_images import unpack_images
from mnist_exporters.formats.c_pair import array_of, manifest_of
from mnist_exporters.formats.contents import Contents, TensorFacts
from mnist_runtime import ArtifactError, Golden, Manifest, QuantParams

__all__ = ["contents_of", "golden_of", "scores_of"]


def golden_of(source: str, manifest: Manifest) -> Golden:
    """Return the test vectors of the self-test; none if the file has none."""
    task = manifest.task
    dtype = np.dtype(manifest.output["dtype"])
    if "golden_scores[" not in source:
        return Golden(np.zeros((0, *task.image_shape), np.uint8), np.zeros((0, len(manifest.labels)), dtype))
    packed, scores = array_of(source, "golden_pixels", np.int64), array_of(source, "golden_scores", np.int64)
    images = unpack_images(packed.astype(np.uint8))
    count = len(scores) // len(manifest.labels)
    if len(images) != count * task.pixels:
        raise ArtifactError("The test vectors in the C code are damaged. Export it again.")
    return Golden(images.reshape(-1, *task.image_shape), scores.astype(dtype).reshape(count, -1))


def scores_of(header: str, manifest: Manifest) -> QuantParams:
    """Return the quantization of the scores."""
    scale = re.search(r"_OUTPUT_SCALE (\S+)f\n", header)
    zero_point = re.search(r"_OUTPUT_ZERO_POINT \((-?\d+)\)\n", header)
    if not scale or not zero_point:
        raise ArtifactError("The header has no scale of the scores. Export the model again.")
    return QuantParams(float(scale[1]), int(zero_point[1]), manifest.output["dtype"])


def contents_of(files: bytes) -> Contents:
    """Return the contents of a C export: operators from its manifest, weights from its source."""
    text = files.decode()
    manifest = manifest_of(text)
    scores = scores_of(text, manifest)
    arrays = re.findall(r"static const (\w+)_t ((?:weights|bias|constant)_\w+)\[(\d+)\]", text)
    shape = (1, *manifest.task.tensor_shape)
    source = TensorFacts("pixels", manifest.input["dtype"], shape, is_constant=False)
    target = TensorFacts("scores", scores.dtype, (1, len(manifest.labels)), is_constant=False, affine=scores)
    constants = tuple(TensorFacts(name, dtype, (int(size),), is_constant=True) for dtype, name, size in arrays)
    weights = sum(int(size) for _, name, size in arrays if name.startswith("weights"))
    kind = re.search(r"typedef (\w+)_t value_t;", text)
    return Contents(
        format="c",
        tensors=(source, *constants, target),
        input=source,
        output=target,
        weights={"int8": weights},
        weight_types={},
        activations=(kind[1],) if kind else (),
        operators=manifest.requires.get("operators", {}),
        foreign=(),
    )
