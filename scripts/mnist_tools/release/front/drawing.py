"""`terminal_svg`: draw a recorded terminal session as an SVG that plays once, or shows all lines if not animated."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mnist_tools.release.front.recording import COLUMNS, Line, Span

__all__ = ["terminal_svg"]

CHARACTER, HEIGHT, MARGIN, BAR, GAP = 8.4, 19, 16, 34, 6
"""Width and height of a character, margin, title bar and gap before a command, in pixels at a font size of 14."""
LONGEST_WAIT = 2.0
"""Longest wait for a line, in seconds. Longer waits are shortened to this."""
TYPING, PAUSE = 0.02, 0.9
"""Seconds for a typed character, and after a command."""

COLORS = {
    "default": "#e6e6ea",
    "black": "#8b8b96",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#f2cc60",
    "yellow": "#f2cc60",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
    "white": "#ffffff",
}
"""Name of a color in `pyte` -> color on the dark background."""
BACKGROUND, TITLE, PROMPT = "#16161d", "#8b8b96", "#7ee787"

STYLE = """\
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
.line { animation: appear .01s backwards; }
.typed { animation: appear .01s backwards; }
.cover { transform: scaleX(0); animation-name: uncover; animation-fill-mode: backwards; }
@keyframes appear { from { opacity: 0; } }
@keyframes uncover { from { transform: scaleX(1); } to { transform: scaleX(0); } }
@media (prefers-reduced-motion: reduce) { .line, .typed, .cover { animation: none; } }
"""


def terminal_svg(lines: Sequence[Line]) -> str:
    """Return the picture. Lines appear in the order and with the waits of the recording, long waits shortened.

    Without animation all lines are visible.

    Parameters
    ----------
    lines : sequence of Line
        What `record` returned.
    """
    width = 2 * MARGIN + round(CHARACTER * (COLUMNS + 2))
    rows = [row for line in lines for row in _rows_of(line)]
    parts, clock, before, top = [], 0.5, 0.0, float(BAR - 5)
    for number, (line, is_first) in enumerate(rows):
        top += HEIGHT + (GAP if number and line.is_command and is_first else 0)
        if line.is_command:
            seconds = TYPING * len(line.text)
            parts.append(_typed(line, top, clock, seconds, with_prompt=is_first))
            clock, before = clock + seconds + (0 if _continues(rows, number) else 0.3), 0.0
        else:
            clock += min(max(line.seconds - before, 0.0), LONGEST_WAIT)
            before = max(line.seconds, before)
            parts.append(_text(line.spans, MARGIN, top, clock))
            if number + 1 == len(rows) or rows[number + 1][0].is_command:
                clock += PAUSE
    height = round(top + MARGIN)
    title = f"recorded; waits of more than {LONGEST_WAIT:.0f} s are shortened"
    dots = "".join(f'<circle cx="{18 + 18 * n}" cy="17" r="5.5" fill="{fill}"/>' for n, fill in enumerate(DOTS))
    spoken = escape("\n".join(("$ " if line.is_command else "") + line.text for line in lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img">\n<title>A recorded terminal</title>\n<desc>{spoken}</desc>\n<style>\n{STYLE}</style>\n'
        f'<rect width="{width}" height="{height}" rx="9" fill="{BACKGROUND}"/>\n{dots}\n'
        f'<text x="{width / 2:.0f}" y="22" fill="{TITLE}" text-anchor="middle">{escape(title)}</text>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


DOTS = ("#ff5f57", "#febc2e", "#28c840")


def _rows_of(line: Line) -> list[tuple[Line, bool]]:
    """Return a command in rows that fit, and whether each is the first one; other lines fit already."""
    if not line.is_command:
        return [(line, True)]
    rows, row = [], ""
    for word in line.text.split(" "):
        if row and len(row) + 1 + len(word) > COLUMNS - 2:
            rows.append(f"{row} \\")
            row = word
        else:
            row = f"{row} {word}" if row else word
    return [(Line(line.seconds, (Span(text),), is_command=True), place == 0) for place, text in enumerate([*rows, row])]


def _continues(rows: Sequence[tuple[Line, bool]], number: int) -> bool:
    """Return whether the next row is the rest of this command."""
    return number + 1 < len(rows) and rows[number + 1][0].is_command and not rows[number + 1][1]


def _typed(line: Line, top: float, clock: float, seconds: float, *, with_prompt: bool) -> str:
    """Return a typed command: a moving rectangle uncovers it character by character."""
    left = MARGIN + 2 * CHARACTER
    prompt = f'<text x="{MARGIN}" y="{top}" fill="{PROMPT}">{"$" if with_prompt else "&gt;"}</text>'
    width = CHARACTER * len(line.text)
    cover = (
        f'<rect class="cover" x="{left:.1f}" y="{top - 14}" width="{width:.1f}" height="{HEIGHT}" fill="{BACKGROUND}" '
        f'style="transform-origin:{left + width:.1f}px 0;animation-duration:{seconds:.2f}s;'
        f'animation-delay:{clock:.2f}s;animation-timing-function:steps({max(len(line.text), 1)})"/>'
    )
    words = _signs(Span(line.text, "white", is_bold=True), left, top)
    return f'<g class="typed" style="animation-delay:{clock:.2f}s">{prompt}{words}{cover}</g>'


def _text(spans: Sequence[Span], left: float, top: float, clock: float) -> str:
    """Return a line of output that becomes visible at a moment."""
    parts = []
    for span in spans:
        parts.append(_signs(span, left, top))
        left += CHARACTER * len(span.text)
    return f'<g class="line" style="animation-delay:{clock:.2f}s">{"".join(parts)}</g>'


def _signs(span: Span, left: float, top: float) -> str:
    """Return characters of one color, stretched to the width of their columns in any font."""
    if not span.text.strip():
        return ""
    color = COLORS.get(span.color, f"#{span.color}")
    weight = ' font-weight="600"' if span.is_bold else ""
    return (
        f'<text x="{left:.1f}" y="{top}" fill="{color}"{weight} textLength="{CHARACTER * len(span.text):.1f}" '
        f'lengthAdjust="spacingAndGlyphs" xml:space="preserve">{escape(span.text)}</text>'
    )
