"""`write_bill`: the software bill of materials of a distribution, in the JSON of CycloneDX."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.release.publish.changelog import STATEMENT, VERSION_FILE
from mnist_tools.release.publish.distributions import Project

__all__ = ["write_bill"]


def write_bill(project: Project, place: Path, python: Path) -> None:
    """Write the packages of an environment, with versions and licences.

    Parameters
    ----------
    project : Project
        What is installed there.
    place : Path
        The file to write.
    python : Path
        The environment's Python.

    Raises
    ------
    ToolError
        If cyclonedx-py fails.
    """
    found = STATEMENT.search(VERSION_FILE.read_text())
    assert found
    with tempfile.TemporaryDirectory() as name:
        described = Path(name, "pyproject.toml")  # cyclonedx-py does not know a dynamic version
        text = (ROOT / project.folder / "pyproject.toml").read_text()
        described.write_text(text.replace('dynamic = ["version"]', f'version = "{found[1]}"'))
        options = ["--output-reproducible", "--of", "JSON", "--mc-type", "library", "--pyproject", str(described)]
        line = [sys.executable, "-m", "cyclonedx_py", "environment", *options, "-o", str(place), str(python)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"cyclonedx-py failed: {done.stderr.strip()[-400:]}")
