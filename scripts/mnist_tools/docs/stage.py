"""Stage the pages of the site: those of docs/, files outside of it that they link to, and generated pages.

On the way, links to files outside of docs/ become links inside the site, so that it is complete without the repository.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.docs.markdown import linked_paths, map_links, table, title_of
from mnist_tools.docs.notebook import notebook_page

__all__ = ["GENERATED", "SECTIONS", "navigation", "stage"]

SECTIONS = ("tutorial", "how-to", "reference", "explanation", "decisions", "results", "experiments", "project")
"""Folders of the site, in the order of its navigation. The last one has the files from outside docs/."""

PROJECT = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "runtime/README.md", "examples/meter/README.md")
"""Pages outside docs/ that are in the site even if no page links to them."""

GENERATED = "<!-- scripts/docs lists the generated pages here -->"
"""Placeholder in an index page. A table of the generated pages replaces this line."""

NO_CONTENTS = "---\nhide:\n  - toc\n---\n\n"
"""Front matter of a page without sections: it hides the table of contents, so that wide tables have more room."""

DOCS = PurePosixPath("docs")
PAGES = (".md", ".ipynb")

Pages = dict[PurePosixPath, str]
"""Path in the site -> text of a page."""


def place_of(path: PurePosixPath) -> PurePosixPath:
    """Return the place in the site of a file of the repository.

    Examples
    --------
    >>> str(place_of(PurePosixPath("docs/how-to/deploy.md"))), str(place_of(PurePosixPath("examples/meter/README.md")))
    ('how-to/deploy.md', 'project/examples-meter.md')
    >>> str(place_of(PurePosixPath("examples/meter/film.py"))), str(place_of(PurePosixPath("docs/walkthrough.ipynb")))
    ('project/files/examples/meter/film.py', 'walkthrough.md')
    """
    if path.is_relative_to(DOCS):
        inside = path.relative_to(DOCS)
        return inside.with_suffix(".md") if path.suffix == ".ipynb" else inside
    if path.suffix != ".md":
        return PurePosixPath("project", "files", path)
    words = path.parent.parts if path.stem == "README" and path.parent.parts else path.with_suffix("").parts
    return PurePosixPath("project", "-".join(words).lower() + ".md")


def stage(folder: Path, generated: Mapping[str, str]) -> Pages:
    """Write the pages of the site, and the files that they need, into `folder`.

    Parameters
    ----------
    folder : Path
        The folder; it must not exist.
    generated : mapping of str to str
        Place in the site -> text of a page that is not in the repository.

    Returns
    -------
    dict of PurePosixPath to str
        The pages.

    Raises
    ------
    ToolError
        If a page links to a file that does not exist.
    """
    shutil.copytree(ROOT / DOCS, folder, ignore=shutil.ignore_patterns("*.md", "*.ipynb"))
    in_docs = sorted(path for path in (ROOT / DOCS).rglob("*") if path.suffix in PAGES)
    waiting = deque([*(PurePosixPath(path.relative_to(ROOT)) for path in in_docs), *map(PurePosixPath, PROJECT)])
    pages: Pages = {PurePosixPath(place): text for place, text in generated.items()}
    while waiting:
        path = waiting.popleft()
        if place_of(path) in pages:
            continue
        text = _text_of(path, folder)
        if GENERATED in text:
            text = text.replace(GENERATED, _list_of(pages, place_of(path).parent))
        for target in (_target(path, link) for link in linked_paths(text)):
            if target.is_relative_to(DOCS) or place_of(target) in pages:
                continue
            if not (ROOT / target).is_file():
                raise ToolError(f"{path} links to {target}, which is no file. Correct the link.")
            if target.suffix == ".md":
                waiting.append(target)
            else:
                (folder / place_of(target)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / target, folder / place_of(target))
        pages[place_of(path)] = map_links(text, lambda link, path=path: _address(path, link))  # type: ignore[misc]
    pages[PurePosixPath("project/index.md")] = _project_index(pages)
    for place, text in pages.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text if "\n## " in text else NO_CONTENTS + text, "utf-8")
    return pages


def navigation(pages: Pages) -> list[object]:
    """Return the navigation: each section has the pages to which its index page links, in that order.

    Raises
    ------
    ToolError
        If a page is in no navigation, because the index page of its folder has no link to it.
    """
    listed = {PurePosixPath("index.md")}
    entries: list[object] = [{"Start": "index.md"}]
    for section in SECTIONS:
        index = PurePosixPath(section, "index.md")
        linked = (PurePosixPath(os.path.normpath(index.parent / link)) for link in linked_paths(pages[index]))
        own = [place for place in linked if place in pages and place.parent in (index.parent, PurePosixPath())]
        own = [place for place in own if place not in listed]
        listed.update([index, *own])
        titled = [{title_of(pages[place], str(place)): str(place)} for place in own]
        entries.append({title_of(pages[index], str(index)): [str(index), *titled]})
    if lost := [str(place) for place in pages if place not in listed]:
        index = PurePosixPath(lost[0]).parent / "index.md"
        raise ToolError(f"docs/{lost[0]} is an orphan: no table leads to it. Add a link to it in docs/{index}.")
    return entries


def _text_of(path: PurePosixPath, folder: Path) -> str:
    if path.suffix == ".ipynb":
        return notebook_page(ROOT / path, (folder / place_of(path)).parent)
    return (ROOT / path).read_text("utf-8")


def _target(path: PurePosixPath, link: str) -> PurePosixPath:
    return PurePosixPath(os.path.normpath(path.parent / link))


def _address(path: PurePosixPath, link: str) -> str:
    """Return the address in the site for a link of a page of the repository."""
    return os.path.relpath(place_of(_target(path, link)), place_of(path).parent)


def _list_of(pages: Pages, folder: PurePosixPath) -> str:
    """Return a table of the generated pages of a folder, with the first sentence of each."""
    rows = []
    for place, text in pages.items():
        if place.parent == folder:
            _, _, body = text.partition("\n\n")
            rows.append([f"[{title_of(text, str(place))}]({place.name})", body.partition("\n\n")[0].rstrip(".")])
    return table(["page", "what"], rows)


def _project_index(pages: Pages) -> str:
    own = [(place, text) for place, text in pages.items() if place.parent == PurePosixPath("project")]
    rows = [[f"[{title_of(text, str(place))}]({place.name})"] for place, text in own]
    return f"# Project\n\nPages of the repository that other pages link to.\n\n{table(['page'], rows)}\n"
