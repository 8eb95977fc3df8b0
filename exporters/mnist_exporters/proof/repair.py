"""`Repair`: how an export was changed so that it passes the accuracy check, and which attempts failed before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mnist_exporters.proof.parity import Parity
from mnist_exporters.spec.treatment import Treatment

__all__ = ["Repair", "Tried"]


@dataclass(frozen=True)
class Tried:
    """An attempt that was refused, or could not be made.

    Parameters
    ----------
    name : str
        Name of the repair, or ``"plain export"``.
    parity : Parity or None
        Comparison with the original; None if the export could not be made.
    error : str
        Why the export could not be made; empty if it was made.
    """

    name: str
    parity: Parity | None
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        if self.parity is None:
            return {"name": self.name, "error": self.error}
        facts = self.parity.as_dict()
        kept = ("accuracy_exported", "drop", "drop_upper_95", "lost", "gained")
        return {"name": self.name, **{key: facts[key] for key in kept}}

    def __str__(self) -> str:
        return f"{self.name} ({self.parity.accuracy_exported:.2%})" if self.parity else f"{self.name} (not possible)"


@dataclass(frozen=True)
class Repair:
    """How an export differs from an export without repairs, and which attempts failed before.

    Parameters
    ----------
    name : str
        Name of the repair, such as ``"logits out"``.
    what : str
        Text for users: what is different.
    treatment : Treatment
        Instructions for the converter.
    layers : tuple of str
        Names of the layers in `treatment`.
    failed : tuple of Tried
        The attempts that failed before, the export without repairs first.
    """

    name: str
    what: str
    treatment: Treatment
    layers: tuple[str, ...] = ()
    failed: tuple[Tried, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON and for the manifest."""
        return {
            "name": self.name,
            "what": self.what,
            "activation": self.treatment.activation or None,
            "layers": list(self.layers),
            "failed": [each.as_dict() for each in self.failed],
        }

    @property
    def refused(self) -> str:
        """Text about the attempts that were refused before, with their accuracy."""
        return ", ".join(map(str, self.failed))

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"
