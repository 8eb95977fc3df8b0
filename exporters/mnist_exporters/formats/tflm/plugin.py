"""`TFLMArray`: the plugin for TensorFlow Lite Micro: a C99 header and the source file with its arrays."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_exporters.formats.contents import Contents
from mnist_exporters.formats.plugin import FormatPlugin
from mnist_exporters.formats.tflite.plugin import TFLite
from mnist_exporters.formats.tflm.interpreter import MicroInterpreter, arena_bytes_needed
from mnist_exporters.formats.tflm.source_code import (
    MANIFEST_BEGIN,
    MANIFEST_END,
    NO_DIGEST,
    header_text,
    identifier,
    source_text,
)
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime import Artifact, ArtifactError, Classifier, Golden, Manifest
from mnist_runtime.system.stderr import quiet_stderr

if TYPE_CHECKING:
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["TFLMArray"]


class TFLMArray(FormatPlugin):
    """An int8 TFLite model as an array in a C source file, with a header.

    The accuracy check reads the array back from the source file. It runs the array in TensorFlow Lite Micro, in an
    arena of the size that the header states.
    """

    _tflite = TFLite()

    def convert(
        self, original: OriginalModel, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN
    ) -> bytes:
        """See `FormatPlugin.convert`."""
        return self._tflite.convert(original, spec, calibration, treatment)

    def read(self, model: bytes) -> Contents:
        """Read the model and measure the arena that it needs."""
        return dataclasses.replace(self._tflite.read(model), format="tflm", arena_bytes=arena_bytes_needed(model))

    def pack(self, model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
        """Write source and header. Names in the C code begin with `stem`.

        Raises
        ------
        UsageError
            If `stem` cannot be part of an ``#include`` line.
        """
        if not stem.isprintable() or set(stem) & set('"\\'):
            raise UsageError(f"C cannot include a file named {stem!r}. Choose another name for the .h file.")
        name = identifier(stem)
        header = header_text(stem, name, model, manifest)
        source = source_text(stem, name, model, manifest, golden)
        digest = hashlib.sha256((header + source).encode()).hexdigest()
        return {".cc": _stamped(source, NO_DIGEST, digest).encode(), ".h": _stamped(header, NO_DIGEST, digest).encode()}

    def open(self, path: Path) -> Artifact:
        """Read the header at `path` and the source beside it, and check the digest that both contain.

        Raises
        ------
        ArtifactError
            If a file is missing or damaged, or the two come from different exports.
        """
        try:
            header, source = path.read_text("utf-8"), path.with_suffix(".cc").read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ArtifactError(
                f"{path} and the .cc file beside it cannot both be read ({error}). Export them again."
            ) from error
        found = re.search(r'_SHA256 "([0-9a-f]{64})"', header)
        if not found or _digest(header, source, found[1]) != found[1]:
            raise ArtifactError(
                f"{path} and its .cc file were changed or come from different exports (SHA-256 differs). Export them "
                "again."
            )
        name = identifier(path.stem)
        manifest = Manifest.from_json(header.partition(MANIFEST_BEGIN)[2].partition(MANIFEST_END)[0])
        return Artifact(
            content=_array(source, f"{name}_model", np.uint8).tobytes(),
            manifest=manifest,
            golden=Golden(
                _array(source, f"{name}_golden_pixels", np.uint8).reshape(-1, *manifest.task.image_shape),
                _array(source, f"{name}_golden_scores", np.int8).reshape(-1, len(manifest.labels)),
            ),
        )

    def load(self, path: Path) -> Classifier:
        """Load the array into TensorFlow Lite Micro."""
        artifact = self.open(path)
        with quiet_stderr():
            backend = MicroInterpreter(artifact.content, artifact.manifest.requires["arena_bytes"])
        return Classifier(artifact, [backend], "tflite-micro")


def _digest(header: str, source: str, digest: str) -> str:
    """Return the SHA-256 of both texts as they were before `digest` was written into them."""
    return hashlib.sha256(
        (_stamped(header, digest, NO_DIGEST) + _stamped(source, digest, NO_DIGEST)).encode()
    ).hexdigest()


def _stamped(text: str, old: str, new: str) -> str:
    """Replace the digest `old` by `new`: the whole, and its first 32 bits as a number for the preprocessor."""
    return text.replace(old, new).replace(f" 0x{old[:8]}u\n", f" 0x{new[:8]}u\n")


def _array(source: str, name: str, dtype: type[np.integer[Any]]) -> npt.NDArray[Any]:
    """Return the numbers of the array `name`.

    Raises
    ------
    ArtifactError
        If there is no such array, for example because the files were renamed.
    """
    found = re.search(rf"\b{name}\[[^=;]*=\s*\{{([-\d,\s]*)\}};", source)
    if not found:
        raise ArtifactError(f"The source file has no array {name}. Keep the names of both files, or export them again.")
    return np.array([int(number) for number in re.findall(r"-?\d+", found[1])], dtype)
