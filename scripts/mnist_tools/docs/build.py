"""Build the documentation site into build/site, strictly: a broken link or a page without a link is an error.

Open build/site/index.html in a browser; the site needs no server and no network.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.docs.check import problems
from mnist_tools.docs.from_disk import let_search_work_from_disk
from mnist_tools.docs.reference.commands import command_pages
from mnist_tools.docs.reference.facts import fact_pages
from mnist_tools.docs.reference.json_fields import PLACE, json_page, measured_output
from mnist_tools.docs.reference.python_api import api_pages, described_fields
from mnist_tools.docs.stage import navigation, stage

__all__ = ["build_site", "main"]

SETTINGS = ROOT / "mkdocs.yml"
COLORS = re.compile(r"\x1b\[[\d;]*m")


def build_site(folder: Path, *, quick: bool = False) -> Path:
    """Build the site and return its folder.

    Parameters
    ----------
    folder : Path
        Folder for the staged pages and the site, replaced if it exists.
    quick : bool, optional
        Whether to leave out what takes a minute: the tables of JSON fields, which come from running commands.

    Raises
    ------
    ToolError
        If a page has a broken link, is an orphan or loads something from another host.
    """
    for name in ("pages", "site", ".cache"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    pages = stage(folder / "pages", _generated(quick))
    settings = yaml.safe_load(SETTINGS.read_text("utf-8"))
    settings |= {"docs_dir": "pages", "site_dir": "site", "nav": navigation(pages)}
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")
    words = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(folder / "mkdocs.yml")]
    done = subprocess.run(words, capture_output=True, text=True, env={"NO_COLOR": "1"}, check=False)
    if done.returncode:
        said, _, _ = COLORS.sub("", f"{done.stdout}{done.stderr}").partition("Traceback (most recent call last)")
        print(said, file=sys.stderr)
        raise ToolError("The site cannot be built. See the messages above.")
    site = folder / "site"
    (site / "404.html").unlink()  # a page of a server: its addresses begin at the root
    let_search_work_from_disk(site)
    if found := problems(site):
        print(*found, sep="\n", file=sys.stderr)
        raise ToolError(f"The site has {len(found)} faults. See the lines above.")
    return site


def _generated(quick: bool) -> dict[str, str]:
    """Return the pages of the reference that are made from the code, by their place in the site."""
    fields = json_page(None if quick else measured_output(), described_fields())
    return command_pages() | api_pages() | fact_pages() | {PLACE: fields}


def main(argv: Sequence[str] | None = None) -> int:
    """Build the site and print where it is."""
    parser = argparse.ArgumentParser(prog="scripts/tool docs build", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "build", metavar="DIR", help="where (default: build)")
    parser.add_argument("--quick", action="store_true", help="without the tables of JSON fields, which take a minute")
    arguments = parser.parse_args(argv)
    print(build_site(arguments.output, quick=arguments.quick) / "index.html")
    return 0
