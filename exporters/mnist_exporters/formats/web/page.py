"""Write and read the page that contains a module."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re

from mnist_exporters.formats.c_pair import NO_DIGEST
from mnist_exporters.formats.web.build import packaged
from mnist_exporters.formats.web.module import WasmModule
from mnist_runtime import ArtifactError, Manifest
from mnist_runtime.serving.page import page_html, page_title

__all__ = ["module_in", "page_of"]

SCRIPT = re.compile(r'<script type="text/plain" id="wasm">([A-Za-z0-9+/=]*)</script>')
STAMP = re.compile(r'<meta name="mnist-edge-export" content="([0-9a-f]{64})">')


def page_of(module: WasmModule) -> str:
    """Return the HTML page that contains a module, with the digest of the page."""
    manifest = module.manifest
    # "</" in the text of a script could end the script.
    model = json.dumps(_facts(module), ensure_ascii=False).replace("<", "\\u003c")
    engine = (
        f'<script type="text/plain" id="wasm">{base64.b64encode(module.content).decode()}</script>\n'
        f'<script type="application/json" id="model">{model}</script>\n'
        f"<script>\n{packaged('engine.js')}\n{packaged('page_engine.js')}</script>"
    )
    title = page_title(manifest.name, manifest.task)
    text = page_html(title, engine, head=f'<meta name="mnist-edge-export" content="{NO_DIGEST}">\n')
    return text.replace(NO_DIGEST, hashlib.sha256(text.encode()).hexdigest(), 1)


def module_in(text: str) -> WasmModule:
    """Check the digest of a page, and return its module.

    Raises
    ------
    ArtifactError
        If the page is damaged, or mnist-export did not make it.
    """
    stamp, script = STAMP.search(text), SCRIPT.search(text)
    if not stamp or not script:
        raise ArtifactError("This is no page from mnist-export --format web. Check the path.")
    if hashlib.sha256(text.replace(stamp[1], NO_DIGEST, 1).encode()).hexdigest() != stamp[1]:
        raise ArtifactError("The page was changed (SHA-256 differs). Export it again.")
    try:
        content = base64.b64decode(script[1], validate=True)
    except binascii.Error as error:
        raise ArtifactError("The page is damaged. Export it again.") from error
    return WasmModule.read(content)


def _facts(module: WasmModule) -> list[tuple[str, str]]:
    """Return the facts about the model that the page lists: (term, text)."""
    manifest = module.manifest
    size = sum(module.weights.values())
    facts = [
        ("Model", f"{manifest.name}, {manifest.precision}, {manifest.source.get('parameters', 0):,} parameters"),
        ("Size", f"{size / 1000:.1f} kB of weights; {len(module.content) / 1000:.1f} kB of WebAssembly"),
        ("Runs", "in this page, in WebAssembly: the C code of --format c. No picture leaves the page."),
    ]
    if manifest.parity:
        facts += _proof(manifest)
    facts.append(("Original", f"SHA-256 {manifest.source.get('sha256') or 'not known'}"))
    facts.append(("Made by", f"mnist-edge-export {manifest.tools.get('mnist-edge-export', '')}"))
    return facts


def _proof(manifest: Manifest) -> list[tuple[str, str]]:
    """Return the facts about the accuracy check that the page lists: (term, text)."""
    proof = manifest.parity or {}
    images = f"{proof['images']:,} test images ({proof['dataset']})"
    return [
        ("Accuracy", f"{proof['accuracy_exported']:.2%} of {images}; the original: {proof['accuracy_original']:.2%}"),
        (
            "Proof",
            f"all were given to this very WebAssembly, in wasmtime. {proof['agreement']:.2%} have the original's "
            f"answer. It loses at most {100 * proof['drop_upper_95']:.2f} points with 95 % confidence; accepted are "
            f"{100 * proof['tolerance']:.2f}.",
        ),
        ("No answer", f"below a confidence of {manifest.threshold:.0%}"),
    ]
