"""`package_files`: the files of a package besides the export, made from the templates of its kind."""

from __future__ import annotations

import contextlib
import importlib.metadata
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import jinja2
import numpy as np

from mnist_exporters.formats.c_pair import c_string, numbers_text
from mnist_exporters.formats.web.build import packaged
from mnist_exporters.formats.web.page import module_in
from mnist_exporters.spec.package_kind import PACKAGE_KINDS
from mnist_runtime import Golden, Manifest, __version__

__all__ = ["package_files"]

COMMON = "common"
"""Folder of the templates that every package has."""

LIBRARY_GUIDE = "https://docs.arduino.cc/learn/contributions/arduino-creating-library-guide/"
"""Address to write into a package if this toolkit has no home page, because Arduino requires an address."""

LONGEST_LABELS = 200
"""Maximum length of the list of labels in a README, in characters."""


def package_files(
    package: str, name: str, manifest: Manifest, golden: Golden, exported: Mapping[str, bytes] = MappingProxyType({})
) -> dict[str, bytes]:
    """Return the files of a package, without the export.

    Parameters
    ----------
    package : str
        A key of `PACKAGE_KINDS`.
    name : str
        A C identifier: the name of the package and of the export's files, and the prefix of the C functions.
    manifest, golden : Manifest, Golden
        Facts and test vectors of the export. The example classifies the test vector with the greatest score.
    exported : mapping of str to bytes
        Suffix -> content of the export's files, for packages that contain a part of them.

    Returns
    -------
    dict of str to bytes
        Path in the package, with slashes -> content.
    """
    environment, facts = _environment(), _facts(package, name, manifest, golden)
    found = {}
    for path in environment.list_templates():
        folder, _, inside = path.partition("/")
        if folder in (COMMON, package):
            found[inside] = environment.get_template(path).render(facts).encode()
    if PACKAGE_KINDS[package].format == "web" and exported:
        found[f"{name}.wasm"] = module_in(exported[".html"].decode()).content
    return found


@cache
def _environment() -> jinja2.Environment:
    """Return Jinja for source files. It escapes nothing: `_facts` only has identifiers, numbers and C strings."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("mnist_exporters", "formats/packages/templates"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,
    )


def _home_page() -> str:
    """Return the home page of this toolkit, or `LIBRARY_GUIDE` if it has none."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for line in importlib.metadata.metadata("mnist-edge-export").get_all("Project-URL") or ():
            title, _, address = str(line).partition(", ")
            if title.lower() in ("homepage", "repository", "source"):
                return address
    return LIBRARY_GUIDE


def _facts(package: str, name: str, manifest: Manifest, golden: Golden) -> dict[str, Any]:
    """Return the variables for the templates."""
    best = int(golden.scores.max(axis=1).argmax()) if len(golden.scores) else 0
    answer = int(golden.scores[best].argmax()) if len(golden.scores) else 0
    height, width, channels = manifest.task.tensor_shape
    labels = ", ".join(manifest.labels)
    return {
        "name": name,
        "upper": name.upper(),
        "kind": PACKAGE_KINDS[package],
        "next_step": PACKAGE_KINDS[package].next_step.format(folder=name, name=name),
        "url": _home_page(),
        "version": __version__,
        # CMake and npm reject Python versions such as 1.0.0rc1, so only the three numbers are used.
        "number": re.split(r"\.?[a-z]", __version__)[0],
        "model": manifest.name,
        "precision": manifest.precision,
        "height": height,
        "width": width,
        "channels": channels,
        "labels": labels if len(labels) <= LONGEST_LABELS else f"{len(manifest.labels)} names",
        "parity": manifest.parity,
        "picture": numbers_text(np.asarray(golden.images[best], np.uint8)),
        "engine": packaged("engine.js"),
        "answer": c_string(manifest.labels[answer]),
    }
