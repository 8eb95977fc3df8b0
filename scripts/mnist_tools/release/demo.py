"""Write docs/demo.html: the page of the ready cnn, proven on MNIST. With --page, write its model into the page anew."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mnist_exporters import export_model
from mnist_exporters.formats.web.page import module_in, page_of
from mnist_runtime.system.atomic import atomic_write
from mnist_tools.checkout import ROOT

__all__ = ["DEMO", "main"]

DEMO = ROOT / "docs" / "demo.html"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="scripts/tool release demo", description=__doc__)
    parser.add_argument("--page", action="store_true", help="keep the model; write what surrounds it")
    if parser.parse_args(argv).page:
        text = page_of(module_in(DEMO.read_text("utf-8")))
        with atomic_write(DEMO) as temporary:
            temporary.write_text(text, "utf-8")
    else:
        print(export_model("cnn", DEMO, format="web", precision="int8", data="mnist"))
    print(DEMO)
    return 0
