"""Check a built site: every link is valid, every page is linked, and nothing is loaded from another host."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["problems"]

LOADED = {"audio": "src", "iframe": "src", "img": "src", "script": "src", "source": "src", "video": "src"}
LOADED_LINKS = ("icon", "manifest", "modulepreload", "preconnect", "prefetch", "preload", "stylesheet", "dns-prefetch")
"""Element -> the attribute with the address of what it loads; and relations of ``<link>`` that load or connect."""

STYLE_ADDRESS = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])\s*((?:https?:)?//[^'\")\s]+)")

ALONE = ("index.html",)
"""Pages to which no other page must link."""


@dataclass
class Page(HTMLParser):
    """Parser that collects the links, the loaded addresses and the anchors of a page of the site."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Store the addresses and the anchor of an element."""
        values = {name: value for name, value in attrs if value}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADED and LOADED[tag] in values:
            self.loads.append(values[LOADED[tag]])
        if tag == "link" and set(values.get("rel", "").split()) & set(LOADED_LINKS):
            self.loads.append(values.get("href", ""))
        self.loads += STYLE_ADDRESS.findall(values.get("style", ""))


def problems(site: Path) -> list[str]:
    """Return a sentence for each broken link, orphan page and address on another host from which a page loads.

    Parameters
    ----------
    site : Path
        Folder of the built site.
    """
    pages = {path.resolve(): _read(path) for path in sorted(site.rglob("*.html"))}
    found, linked = [], set[Path]()
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        found += [f"{name} loads {address}" for address in page.loads if urlsplit(address).netloc]
        for address in page.links + [address for address in page.loads if not urlsplit(address).netloc]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target != path:
                linked.add(target)
            if not target.is_file():
                found.append(f"{name} links to {address}, which does not exist")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                found.append(f"{name} links to {address}: the page has no such place")
    orphans = [path for path in pages if path not in linked and str(path.relative_to(site.resolve())) not in ALONE]
    found += [f"{path.relative_to(site.resolve())} is an orphan: no page links to it" for path in orphans]
    for style in sorted(site.rglob("*.css")):
        addresses = STYLE_ADDRESS.findall(style.read_text("utf-8"))
        found += [f"{style.relative_to(site)} loads {address}" for address in addresses]
    return found


def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text("utf-8"))
    return page
