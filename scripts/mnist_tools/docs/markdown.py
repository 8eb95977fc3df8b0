"""Markdown pages: their title, their links, and tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from mnist_tools.checkout import ToolError

__all__ = ["linked_paths", "map_links", "table", "title_of"]

CODE = re.compile(r"^(```|~~~).*?^\1[ \t]*$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
"""Code blocks and inline code, in which brackets are not links."""

LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
NO_PATH = re.compile(r"[a-z]+:|/")
"""Start of an address on another host, such as ``https:``."""

TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def map_links(text: str, change: Callable[[str], str]) -> str:
    """Return a page in which `change` was applied to the path of every link and picture.

    Examples
    --------
    >>> map_links("`[a](b)` [a](b.md#c) [d](https://e)", str.upper)
    '`[a](b)` [a](B.MD#c) [d](https://e)'
    """

    def changed(link: re.Match[str]) -> str:
        before, path, place, after = link.groups()
        return link[0] if NO_PATH.match(path) else f"{before}{change(path)}{place or ''}{after}"

    pieces, position = [], 0
    for code in CODE.finditer(text):
        pieces += [LINK.sub(changed, text[position : code.start()]), code[0]]
        position = code.end()
    return "".join([*pieces, LINK.sub(changed, text[position:])])


def linked_paths(text: str) -> list[str]:
    """Return the paths to which a page links, each once, in their order."""
    found: dict[str, None] = {}

    def note(path: str) -> str:
        found[path] = None
        return path

    map_links(text, note)
    return list(found)


def title_of(text: str, name: str) -> str:
    """Return the title of a page.

    Parameters
    ----------
    text : str
        The page.
    name : str
        What a message calls it.

    Raises
    ------
    ToolError
        If it has none.
    """
    title = TITLE.search(CODE.sub("", text) if text.startswith("```") else text)
    if title is None:
        raise ToolError(f"{name} has no title. Begin it with a line such as: # Choose a precision")
    return title[1].replace("`", "")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return a table.

    Examples
    --------
    >>> print(table(["code", "meaning"], [[0, "a | b"]]))
    | code | meaning |
    |---|---|
    | 0 | a \| b |
    """
    lines = [head, ["---"] * len(head), *rows]
    cells = ([str(cell).replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    first, second, *others = ("| " + " | ".join(line) + " |" for line in cells)
    return "\n".join([first, second.replace(" ", ""), *others])
