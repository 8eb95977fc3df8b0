"""The folder of a deployment: numbered versions, and links to the current and the previous one.

::

    digits/
      current -> versions/2       switched atomically, by renaming a link
      previous -> versions/1
      versions/2/                 the model, facts.json, venv -> ../../venvs/KEY
      venvs/KEY/                  shared by the versions with the same runtime and extras
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mnist_exporters.targets.deployment.there.talk import StepError

__all__ = ["Versions"]

FACTS = "facts.json"


class Versions:
    """The versions in the folder of a deployment.

    Parameters
    ----------
    folder : Path
        Folder of the deployment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder and hold its lock, so that two deployments cannot run at the same time.

        Raises
        ------
        StepError
            If another deployment is running.
        """
        (self.folder / "versions").mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StepError(
                    "Another deployment into this folder of {device} is running. Wait for its end."
                ) from None
            for left_over in (*self.folder.glob("versions/.new-*"), *self.folder.glob(".pip-*")):
                shutil.rmtree(left_over, ignore_errors=True)  # from a deployment that was killed
            yield

    @contextmanager
    def staging(self, environment: Path) -> Iterator[Path]:
        """Yield a new folder with a link to `environment`. It is deleted at the end unless `add` has moved it."""
        staged = Path(tempfile.mkdtemp(dir=self.folder / "versions", prefix=".new-"))
        try:
            staged.chmod(0o755)
            (staged / "venv").symlink_to(Path("..", "..", "venvs", environment.name))
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def add(self, staged: Path, facts: dict[str, Any]) -> str:
        """Turn a folder from `staging` into the next version, and return its number."""
        numbers = [int(path.name) for path in self.folder.glob("versions/*") if path.name.isdecimal()]
        number = str(max(numbers, default=0) + 1)
        (staged / FACTS).write_text(json.dumps({**facts, "version": number}))
        os.sync()  # power may fail at any time
        staged.rename(self.folder / "versions" / number)
        return number

    def described(self, link: str) -> dict[str, Any] | None:
        """Return the facts of the ``"current"`` or ``"previous"`` version; None if there is none."""
        try:
            found: dict[str, Any] = json.loads((self.folder / link / FACTS).read_text())
        except (OSError, ValueError):
            return None
        return found

    def point(self, link: str, number: str | None) -> None:
        """Let the link ``"current"`` or ``"previous"`` point to a version; None removes the link."""
        place = self.folder / link
        if number is None:
            place.unlink(missing_ok=True)
            return
        temporary = self.folder / f".{link}"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(Path("versions", number))
        temporary.replace(place)

    def prune(self) -> None:
        """Delete versions that are neither current nor previous, and environments that neither of these uses."""
        links = [self.folder / link for link in ("current", "previous") if (self.folder / link).exists()]
        numbers = {path.resolve().name for path in links}
        environments = {(path / "venv").resolve().name for path in links}
        for path in self.folder.glob("versions/*"):
            if path.name not in numbers:
                shutil.rmtree(path, ignore_errors=True)
        for path in self.folder.glob("venvs/*"):
            if path.name not in environments:
                shutil.rmtree(path, ignore_errors=True)
