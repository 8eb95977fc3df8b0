"""The pages of the documentation as their readers use them: blocks of commands and of Python, typed in their order.

A block ``sh`` or ``python`` is run. A comment ``# exit code 3`` states how a command ends. Blocks of other kinds, such
as ``text`` and ``toml``, are shown only.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mnist_tools.checkout import ROOT, environment

BLOCK = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
SETUP = re.compile(r"scripts/setup((?: \w+)*)(?: && source \.venv/bin/activate)?(?: && pip install .*)?")
"""The first command of a page: install the clone with extras, and activate its environment."""
ENDS = re.compile(r"\s+# exit code (\d+)$")
OWN_DATA = ("mnist-train", "mnist-evaluate", "mnist-export")
ENOUGH = ["--epochs", "100"]
"""scikit-learn's 297 training images are as many steps as an epoch of MNIST's with these; fewer make a poor model."""
WITHOUT_DATA = ("inspect", "deploy", "sign")
"""Subcommands of mnist-export that read no data."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Step:
    """One command line, or one block of Python, and the exit code that the page states."""

    kind: str
    text: str
    code: int = 0

    @property
    def is_setup(self) -> bool:
        """Whether it installs packages, which the environment of the tests has."""
        words = self.text.split()
        return bool(SETUP.fullmatch(self.text)) or "pip install" in self.text or words[:3] == ["python3", "-m", "venv"]


@dataclass(frozen=True)
class Page:
    """A page and its steps."""

    path: Path
    steps: tuple[Step, ...]

    @classmethod
    def read(cls, path: Path) -> Page:
        """Read the blocks of a page."""
        steps: list[Step] = []
        for indent, kind, text in BLOCK.findall(path.read_text("utf-8")):
            plain = textwrap.dedent(text) if indent else text
            if kind == "python":
                steps.append(Step("python", plain))
            elif kind == "sh":
                lines = [line for line in plain.replace("\\\n", " ").splitlines() if line.strip() and line[0] != "#"]
                for line in lines:
                    ended = ENDS.search(line)
                    steps.append(Step("sh", ENDS.sub("", line).strip(), int(ended[1]) if ended else 0))
        return cls(path, tuple(steps))

    @property
    def commands(self) -> list[str]:
        """All command lines."""
        return [step.text for step in self.steps if step.kind == "sh"]


PAGES = {
    str(path.relative_to(ROOT / "docs").with_suffix("")): Page.read(path)
    for folder in ("tutorial", "how-to", "explanation", "decisions")
    for path in sorted((ROOT / "docs" / folder).glob("*.md"))
}
"""Name -> page of the documentation that a person follows."""

OTHERS = {
    name: Page.read(ROOT / name)
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "runtime/README.md", "examples/meter/README.md")
}
"""Pages outside of docs/, whose options and links are checked too; tests/docs/test_readme.py runs the first one."""


class Reader:
    """Somebody who types the steps of a page in a folder, in which the files of a clone lie.

    Parameters
    ----------
    folder : Path
        A new folder.
    here : callable
        Runs an installed command in this process, which has already imported TensorFlow.
    device : Path or None
        Configuration of ssh for the host ``pi``, which takes the place of ``pi@raspberrypi.local``.
    """

    def __init__(self, folder: Path, here: Run, device: Path | None = None) -> None:
        self.folder, self.here, self.device = folder, here, device
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=ignored, dirs_exist_ok=True)

    def follow(self, page: Page) -> str:
        """Type all steps and return what they print. Each must end as the page states."""
        printed = ""
        for step in page.steps:
            if not step.is_setup:
                done = self.type(step)
                assert done.returncode == step.code, f"{step.text}\n{done.stdout}\n{done.stderr}"
                printed += done.stdout
        return printed

    def type(self, step: Step) -> subprocess.CompletedProcess[str]:
        """Run one step."""
        if step.kind == "python":
            return self._run([sys.executable, "-c", step.text])
        line = re.sub(r"^(?:digits|\.venv)/bin/", "", step.text).replace("digits/current/", "device/current/")
        program, *words = shlex.split(line)
        if not program.startswith("mnist-"):
            return self._run(["bash", "-c", line], ROOT if program.startswith("scripts/") else self.folder)
        if program in OWN_DATA and words[0] not in WITHOUT_DATA and "--data" not in words:
            words += ["--data", "digits"]
            words += ENOUGH if program == "mnist-train" and "--epochs" not in words else []
        if "pi@raspberrypi.local" in words:
            assert self.device is not None
            words = ["pi" if word == "pi@raspberrypi.local" else word for word in words]
            words += ["--ssh-config", str(self.device), "--folder", str(self.folder / "device"), "--extra", "none"]
            if "--rollback" in words:
                words = words[:-2]
        return self.here(program, *words)

    def _run(self, words: list[str], where: Path | None = None) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}:{environment()['PATH']}"
        return subprocess.run(
            words,
            cwd=where or self.folder,
            env=environment(PATH=path, TF_CPP_MIN_LOG_LEVEL="3"),
            capture_output=True,
            text=True,
            check=False,
        )
