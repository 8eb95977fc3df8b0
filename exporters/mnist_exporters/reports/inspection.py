"""`Inspection`: manifest, tensors, operators and supported devices of a model file."""

from __future__ import annotations

import dataclasses
import hashlib
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_exporters.formats.contents import Contents, TensorFacts
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.spec.format import format_of_file
from mnist_exporters.targets.devices import TARGETS
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_runtime import ArtifactError, Manifest, UnsealedError
from mnist_runtime.errors import printable

__all__ = ["Inspection"]


@dataclass(frozen=True)
class Inspection:
    """The content of a model file. The model is not run, except that TFLM loads a ``tflm`` file to measure its arena.

    Parameters
    ----------
    path : Path
        The file.
    size_bytes : int
        Size of the file.
    sha256 : str
        SHA-256 of the file.
    manifest : Manifest or None
        None for a file that this toolkit did not export.
    contents : Contents
        Tensors and operators of the model.
    """

    path: Path
    size_bytes: int
    sha256: str
    manifest: Manifest | None
    contents: Contents

    @classmethod
    def of(cls, path: Path) -> Inspection:
        """Read the file at `path`: an export, or any other ``.tflite`` or ``.onnx`` model.

        Raises
        ------
        UsageError
            If its suffix is unknown, or that of another format.
        ArtifactError
            If it is missing, damaged or not a model.
        """
        plugin = load_plugin(format_of_file(path))
        manifest = None
        try:
            artifact = plugin.open(path)
            model, manifest = artifact.content, artifact.manifest
        except UnsealedError:
            model = path.read_bytes()
        content = path.read_bytes()
        try:
            contents = plugin.read(model)
        except ArtifactError as error:
            raise type(error)(f"{path}: {error}") from error
        return cls(
            path=path,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            manifest=manifest,
            contents=contents,
        )

    @property
    def unsupported_reasons(self) -> dict[str, str | None]:
        """Interpreter -> why it cannot load the model; None if it can."""
        return {name: row.unsupported_reason(self.contents) for name, row in INTERPRETERS.items()}

    @property
    def targets(self) -> tuple[str, ...]:
        """Devices that can load the file, as keys of `TARGETS`, except devices with an NPU.

        Only the compiler of an NPU can tell whether the NPU supports a model. ``mnist-export --target`` runs it.
        """
        loads = {name for name, reason in self.unsupported_reasons.items() if reason is None}
        return tuple(name for name, row in TARGETS.items() if row.npu is None and loads & set(row.interpreters))

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        return {
            "path": str(self.path),
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "manifest": dataclasses.asdict(self.manifest) if self.manifest else None,
            "contents": dataclasses.asdict(self.contents),
            "obstacles": self.unsupported_reasons,
            "targets": self.targets,
        }

    def __str__(self) -> str:
        contents = self.contents
        return "\n".join(
            [
                printable(str(self.path)),
                *_section("file", [f"{contents.format}, {self.size_bytes:,} bytes", f"sha256 {self.sha256}"]),
                *_section("manifest", _manifest_lines(self.manifest)),
                *_section("tensors", [_line(tensor, contents) for tensor in contents.tensors]),
                *_section("operators", [f"{name} {version}" for name, version in contents.operators.items()]),
                *_section(
                    "interpreters", [f"{name}: {why or 'loads it'}" for name, why in self.unsupported_reasons.items()]
                ),
                *_section("targets", [", ".join(self.targets) or "none"]),
            ]
        )


def _section(title: str, lines: list[str]) -> list[str]:
    wrapper = textwrap.TextWrapper(80, "  ", "    ", break_long_words=False, break_on_hyphens=False)
    return [title, *(wrapper.fill(printable(line)) for line in lines)]


def _manifest_lines(manifest: Manifest | None) -> list[str]:
    if manifest is None:
        return ["none: mnist-export did not make this file, or its end is missing; its accuracy is not proven"]
    facts = dataclasses.asdict(manifest)
    return [f"{name}: {value}" for name, value in facts.items()]


def _line(tensor: TensorFacts, contents: Contents) -> str:
    role = " (input)" if tensor == contents.input else " (output)" if tensor == contents.output else ""
    shape = "x".join("n" if axis < 0 else str(axis) for axis in tensor.shape) or "scalar"
    real = f", {tensor.affine.scale:g} * (q - {tensor.affine.zero_point})" if tensor.affine else ""
    return f"{tensor.name}{role}: {tensor.dtype} {shape}{real}{', constant' if tensor.is_constant else ''}"
