"""A notebook as a page, with the outputs that are stored in it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat

__all__ = ["notebook_page"]

COLORS = re.compile(r"\x1b\[[\d;]*m")


def notebook_page(path: Path, folder: Path) -> str:
    """Return a notebook as Markdown, and write its pictures into `folder`.

    Parameters
    ----------
    path : Path
        The notebook.
    folder : Path
        Folder of the page. It gets a folder for the pictures, if there are any.
    """
    parts: list[str] = []
    pictures = f"{path.stem}-pictures"
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
        parts.append(_fence("python", cell.source) if cell.cell_type == "code" else cell.source)
        for place, output in enumerate(_joined(cell.get("outputs", ()))):
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{pictures}/{number}-{place}.png"
                (folder / pictures).mkdir(exist_ok=True)
                (folder / name).write_bytes(base64.b64decode(data["image/png"]))
                parts.append(f"![output of the cell above]({name})")
            elif text := _printed(output):
                parts.append(_fence("text", text))
    return "\n\n".join(parts) + "\n"


def _joined(outputs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the outputs; join text that was printed in several pieces."""
    joined: list[dict[str, Any]] = []
    for output in outputs:
        if joined and "text" in output and joined[-1].get("name") == output.get("name"):
            joined[-1] = {**joined[-1], "text": joined[-1]["text"] + output["text"]}
        else:
            joined.append(output)
    return joined


def _printed(output: dict[str, Any]) -> str:
    """Return the text of an output."""
    text: str = output.get("text") or output.get("data", {}).get("text/plain", "")
    return COLORS.sub("", text).strip("\n")


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
