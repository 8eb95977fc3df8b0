"""`WasmModule`: the C code of a model as a WebAssembly module, with manifest and test vectors in custom sections.

These sections follow those of the compiler::

    mnist-edge-export   JSON: manifest, task, quantization of the scores, and facts about the weights
    golden_images       pixels of the test vectors, packed as in the C code
    golden_scores       integers of their scores, little-endian
    sha256              SHA-256 of all bytes before this section
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass

import numpy as np

from mnist_exporters.formats.c.writing.packed_images import pack_images, unpack_images
from mnist_exporters.formats.contents import Contents, TensorFacts
from mnist_runtime import ArtifactError, Golden, Manifest, QuantParams

__all__ = ["MAGIC", "WasmModule"]

MAGIC = b"\0asm\1\0\0\0"
FACTS, IMAGES, SCORES, DIGEST = "mnist-edge-export", "golden_images", "golden_scores", "sha256"
DAMAGED = "The WebAssembly module is damaged. Export it again."


@dataclass(frozen=True)
class WasmModule:
    """A WebAssembly module with the custom sections that mnist-export adds.

    Parameters
    ----------
    content : bytes
        The whole module.
    manifest : Manifest
        Facts about the model.
    golden : Golden
        Test vectors; empty before the accuracy check.
    output : QuantParams
        Quantization of the scores.
    weights : dict of str to int
        Type -> number of bytes of the weights of this type.
    activations : tuple of str
        Types of the activations.
    """

    content: bytes
    manifest: Manifest
    golden: Golden
    output: QuantParams
    weights: dict[str, int]
    activations: tuple[str, ...]

    @classmethod
    def sealed(cls, compiled: bytes, manifest: Manifest, golden: Golden, code: Contents) -> WasmModule:
        """Add facts, test vectors and digest to a compiled module.

        Parameters
        ----------
        compiled : bytes
            The compiler's module.
        manifest, golden : Manifest, Golden
            Facts and test vectors. Before the accuracy check, the test vectors have no scores.
        code : Contents
            Facts read from the C code.
        """
        output = code.output.affine
        assert output is not None  # C code has integer scores
        task = manifest.task
        facts = {
            "manifest": json.loads(manifest.to_json()),
            "task": dataclasses.asdict(task),
            "scores": dataclasses.asdict(output),
            "weights": code.weights,
            "activations": code.activations,
        }
        content = compiled + _section(FACTS, json.dumps(facts, allow_nan=False).encode())
        if len(golden.scores):
            content += _section(IMAGES, pack_images(golden.images).tobytes())
            content += _section(SCORES, golden.scores.astype(golden.scores.dtype.newbyteorder("<")).tobytes())
        content += _section(DIGEST, hashlib.sha256(content).digest())
        return cls.read(content)

    @classmethod
    def read(cls, content: bytes) -> WasmModule:
        """Check the digest of a module, and read its facts.

        Raises
        ------
        ArtifactError
            If it is damaged, or mnist-export did not make it.
        """
        if not content.startswith(MAGIC):
            raise ArtifactError("This is no WebAssembly module. Check the path.")
        sections = _sections(content)
        place, digest = sections.get(DIGEST, (0, b""))
        if FACTS not in sections or hashlib.sha256(content[:place]).digest() != digest:
            raise ArtifactError(
                "The WebAssembly module was changed or is not from mnist-export (SHA-256 differs). Export it again."
            )
        try:
            facts = json.loads(sections[FACTS][1])
            manifest = Manifest.from_json(json.dumps(facts["manifest"]))
            scores = facts["scores"]
            output = QuantParams(float(scores["scale"]), int(scores["zero_point"]), manifest.output["dtype"])
            weights = {str(dtype): int(size) for dtype, size in facts["weights"].items()}
            activations = tuple(map(str, facts["activations"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ArtifactError(DAMAGED) from error
        return cls(content, manifest, _golden(sections, manifest), output, weights, activations)

    def contents(self) -> Contents:
        """Return tensors, operators and weights, as far as the sections describe them."""
        task = self.manifest.task
        source = TensorFacts("pixels", self.manifest.input["dtype"], (1, *task.tensor_shape), is_constant=False)
        target = TensorFacts("scores", self.output.dtype, (1, len(task.labels)), is_constant=False, affine=self.output)
        return Contents(
            format="web",
            tensors=(source, target),
            input=source,
            output=target,
            weights=self.weights,
            weight_types={},
            activations=self.activations,
            operators=self.manifest.requires.get("operators", {}),
            foreign=(),
        )


def _golden(sections: dict[str, tuple[int, bytes]], manifest: Manifest) -> Golden:
    """Return the test vectors; none if the module has none."""
    task, labels = manifest.task, len(manifest.labels)
    dtype = np.dtype(manifest.output["dtype"])
    packed, scores = (sections.get(name, (0, b""))[1] for name in (IMAGES, SCORES))
    images = unpack_images(np.frombuffer(packed, np.uint8))
    count, rest = divmod(len(scores), labels * dtype.itemsize)
    if rest or len(images) != count * task.pixels:
        raise ArtifactError(DAMAGED)
    found = np.frombuffer(scores, dtype.newbyteorder("<")).astype(dtype).reshape(count, labels)
    return Golden(images.reshape(-1, *task.image_shape), found)


def _section(name: str, content: bytes) -> bytes:
    """Return a custom section."""
    title = name.encode()
    body = _number(len(title)) + title + content
    return b"\0" + _number(len(body)) + body


def _number(value: int) -> bytes:
    """Encode an unsigned number in LEB128: seven bits per byte, the lowest first."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _sections(content: bytes) -> dict[str, tuple[int, bytes]]:
    """Return the custom sections, name -> (offset, content); if a name occurs twice, the last one."""
    found: dict[str, tuple[int, bytes]] = {}
    place = len(MAGIC)
    while place < len(content):
        start, kind = place, content[place]
        size, place = _read_number(content, place + 1)
        end = place + size
        if end > len(content):
            raise ArtifactError(DAMAGED)
        if kind == 0:
            length, begin = _read_number(content, place)
            name = content[begin : begin + length].decode(errors="replace")
            found[name] = (start, content[min(end, begin + length) : end])
        place = end
    return found


def _read_number(content: bytes, place: int) -> tuple[int, int]:
    """Decode a LEB128 number at `place`; return it and the offset after it."""
    value = 0
    for shift in range(0, 35, 7):
        if place >= len(content):
            break
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ArtifactError(DAMAGED)
