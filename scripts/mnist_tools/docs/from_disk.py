"""Make the search of a built site work from disk, where browsers do not allow pages to read files or start workers.

The index is written as a script. The worker's code is in another script, which starts the worker from memory. The site
generator has its own solution, but that loads a script from another host.
"""

from __future__ import annotations

import json
from pathlib import Path

from mnist_tools.checkout import ToolError

__all__ = ["SCRIPT", "let_search_work_from_disk"]

SCRIPT = "assets/javascripts/search-from-disk.js"
"""The script's place in the site; ``mkdocs.yml`` names it."""

START_FROM_MEMORY = """\
if (location.protocol === "file:") {
  const code = %s;
  const WorkerOfAddress = Worker;
  window.Worker = class extends WorkerOfAddress {
    constructor() {
      super(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    }
  };
}
"""


def let_search_work_from_disk(site: Path) -> None:
    """Write the index and the worker as scripts into the folder of a built site.

    Raises
    ------
    ToolError
        If the generator's files are not at the expected places.
    """
    index, workers = site / "search.json", list(site.glob("assets/javascripts/workers/search.*.js"))
    if not index.is_file() or len(workers) != 1:
        raise ToolError("The built site has no search.json or no search worker. Adapt docs/from_disk.py to Zensical.")
    (site / "search.js").write_text(f"var __index = {index.read_text('utf-8')};\n", "utf-8")
    (site / SCRIPT).write_text(START_FROM_MEMORY % json.dumps(workers[0].read_text("utf-8")), "utf-8")
