"""``mnist-export``: the door. It exports, unless its first word is the name of another command.

Nothing but the standard library is imported until the command is known.
"""

from __future__ import annotations

import pkgutil
import sys

__all__ = ["main"]

COMMANDS = {
    "verify": "mnist_exporters.cli.verify:verify_main",
    "inspect": "mnist_exporters.cli.inspect:inspect_main",
}
"""First word -> function; without one of these words it is an export."""


def main() -> None:
    """Run the command line of `sys.argv`."""
    words = sys.argv[1:]
    if words and words[0] in COMMANDS:
        pkgutil.resolve_name(COMMANDS[words[0]])(words[1:])
    else:
        pkgutil.resolve_name("mnist_exporters.cli.export:export_main")(words)
