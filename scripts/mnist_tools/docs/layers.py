"""Draw docs/pictures/layers.svg: the packages and their folders, from the import rules in pyproject.toml."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator, Sequence
from html import escape

from mnist_runtime.system.atomic import atomic_write
from mnist_tools.checkout import ROOT

__all__ = ["PICTURE", "layers_picture", "main"]

PICTURE = ROOT / "docs" / "pictures" / "layers.svg"

PACKAGES = {
    "mnist_exporters": "convert, prove, report",
    "mnist_trainer": "data, training, evaluation",
    "mnist_runtime": "classify on the device",
}
"""Package, the highest first -> what it does."""

WIDTH, MARGIN, GAP, ROW, LETTER = 680, 16, 30, 44, 9.4
"""Sizes in units of the picture: page, margin, place of an arrow, height of a row, mean width of a letter."""


def layers_picture() -> str:
    """Return the picture as SVG. It has its own background, so that it reads on a light and on a dark page."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = {box: one["layers"] for one in contracts if one["type"] == "layers" for box in one.get("containers", [])}
    body: list[str] = []
    top = float(MARGIN)
    for package, purpose in PACKAGES.items():
        if body:
            body.append(_arrow(WIDTH / 2, top - 4, WIDTH / 2, top + 16))
            top += 24
        rows = list(_rows([layer.replace(" | ", ", ") for layer in layers[package]]))
        height = 52 + ROW * len(rows)
        body.append(
            f'<rect class="box" x="{MARGIN}" y="{top:g}" width="{WIDTH - 2 * MARGIN}" height="{height}" rx="8"/>'
        )
        title = f"<tspan>{escape(package)}</tspan>: {escape(purpose)}"
        body.append(f'<text class="title" x="{2 * MARGIN}" y="{top + 30:g}">{title}</text>')
        for number, row in enumerate(rows):
            body += _chips(row, top + 46 + ROW * number, is_last=number == len(rows) - 1)
        top += height
    styles = (
        ".page{fill:#fff}.box{fill:#f3f5fb;stroke:#8b95b8}.chip{fill:#fff;stroke:#8b95b8}"
        "text{font:17px sans-serif;fill:#1d2333}.title tspan{font-weight:bold}"
        "path{stroke:#4a5578;stroke-width:2;fill:none}"
    )
    title = "The folders of the three packages; imports only point along the arrows"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + MARGIN:g}" role="img" '
        f'aria-label="{title}"><title>{title}</title><style>{styles}</style>'
        f'<rect class="page" width="{WIDTH}" height="{top + MARGIN:g}"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _width(text: str) -> float:
    return LETTER * len(text) + 20


def _rows(names: Sequence[str]) -> Iterator[list[str]]:
    """Divide names into rows that fit the width."""
    row: list[str] = []
    for name in names:
        if row and sum(map(_width, [*row, name])) + GAP * (len(row) + 1) > WIDTH - 4 * MARGIN:
            yield row
            row = []
        row.append(name)
    yield row


def _chips(row: Sequence[str], top: float, *, is_last: bool) -> Iterator[str]:
    left = 2.0 * MARGIN
    for number, name in enumerate(row):
        width = _width(name)
        yield f'<rect class="chip" x="{left:g}" y="{top:g}" width="{width:g}" height="32" rx="6"/>'
        yield f'<text x="{left + width / 2:g}" y="{top + 22:g}" text-anchor="middle">{escape(name)}</text>'
        left += width
        if number < len(row) - 1 or not is_last:
            yield _arrow(left + 4, top + 16, left + GAP - 4, top + 16)
        left += GAP


def _arrow(left: float, top: float, right: float, bottom: float) -> str:
    head = "m-6-5 6 5-6 5" if top == bottom else "m-5-6 5 6 5-6"
    return f'<path d="M{left:g} {top:g}L{right:g} {bottom:g}{head}"/>'


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the picture."""
    argparse.ArgumentParser(prog="scripts/tool docs layers", description=__doc__).parse_args(argv)
    with atomic_write(PICTURE) as path:
        path.write_text(layers_picture(), encoding="utf-8")
    return 0
