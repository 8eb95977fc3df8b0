"""Write the evaluations of several models as one HTML page, with figures and a JSON file."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from mnist_runtime.errors import counted
from mnist_runtime.system.atomic import atomic_files
from mnist_trainer.evaluation.domains import Domains
from mnist_trainer.evaluation.evaluate import Evaluation
from mnist_trainer.evaluation.pages.charts import BarGroup, bar_group, calibration_bars
from mnist_trainer.evaluation.pages.html import html_environment, picture_address
from mnist_trainer.evaluation.robustness import Robustness

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ModelReport", "evaluation_page", "reports_as_json", "summary", "write_report"]

SHOWN = 24
"""Number of mistakes, and of random images, that the page shows for each model."""
MOST_CLASSES = 50
"""Largest number of classes for which the page has a confusion matrix. A larger one would not be readable."""
CHANCE = 0.05
"""Significance level: a difference between two models with a higher p-value may be due to chance."""


class ModelReport(NamedTuple):
    """The results of one model.

    Parameters
    ----------
    name : str
        Name or path, as on the command line.
    evaluation : Evaluation
        Results on the test images.
    robustness : Robustness or None
        Results on corrupted and non-digit images; None if not measured.
    domains : Domains or None
        Results on digits from other sources; None if not measured.
    """

    name: str
    evaluation: Evaluation
    robustness: Robustness | None
    domains: Domains | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the results as values for JSON."""
        robustness = {"robustness": self.robustness.as_dict()} if self.robustness else {}
        domains = {"domains": self.domains.as_dict()} if self.domains else {}
        return {"model": self.name, **self.evaluation.as_dict(), **robustness, **domains}


def reports_as_json(reports: Sequence[ModelReport]) -> str:
    """Return one JSON object with the results of all models."""
    return json.dumps({"models": [one.as_dict() for one in reports]}, indent=2)


def summary(reports: Sequence[ModelReport]) -> str:
    """Return the result in one or two sentences: the best model, and whether the next one is worse only by chance."""
    best, *others = sorted(reports, key=lambda one: -one.evaluation.accuracy)
    found = best.evaluation
    low, high = found.interval
    data = f"{counted(found.images, f'{found.data.split} image')} of {found.data.name}"
    text = (
        f"{best.name} is right on {found.accuracy:.2%} of {data} ({low:.2%} to {high:.2%} with 95 % confidence): "
        f"{len(found.mistakes):,} mistakes"
    )
    if not others:
        return f"{text}."
    second = others[0].evaluation
    lost, gained = int((found.right & ~second.right).sum()), int((~found.right & second.right).sum())
    chance = float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0
    verdict = "may be chance" if chance >= CHANCE else "is more than chance"
    return (
        f"{text}, the fewest of {len(reports)} models. The difference to {others[0].name}, with "
        f"{len(second.mistakes):,}, {verdict} (McNemar p = {chance:.2g})."
    )


def evaluation_page(reports: Sequence[ModelReport]) -> str:
    """Return the HTML page. It needs no network, contains no script, and escapes all names."""
    data = reports[0].evaluation.data
    robust = [one for one in reports if one.robustness]
    return (
        html_environment()
        .get_template("evaluation.html.jinja")
        .render(
            reports=reports,
            data=data,
            noun="digit" if data.task.is_mnist else "class",
            summary=summary(reports),
            groups=_groups(reports),
            robust=robust,
            thumbnails=_thumbnails(data.images[0]) if robust else {},
            elsewhere=[one for one in reports if one.domains],
            is_small=len(data.task.labels) <= MOST_CLASSES,
            calibration={one.name: calibration_bars(one.evaluation) for one in reports},
            mistakes={one.name: _gallery(one.evaluation, one.evaluation.mistakes[:SHOWN]) for one in reports},
            samples={one.name: _gallery(one.evaluation, _drawn(one.evaluation)) for one in reports},
        )
    )


def _groups(reports: Sequence[ModelReport]) -> list[BarGroup]:
    """Return the charts: wrong answers on the test images and, if measured, on corrupted images."""
    test = reports[0].evaluation
    rows = [(one.name, 1 - one.evaluation.accuracy, one.evaluation.interval) for one in reports]
    title = counted(test.images, f"{test.data.split} image")
    found = [bar_group(title, [(name, wrong, (1 - high, 1 - low)) for name, wrong, (low, high) in rows])]
    corrupted = [(one.name, 1 - one.robustness.mean_accuracy) for one in reports if one.robustness]
    if corrupted:
        found.append(bar_group("the same images, corrupted", [(name, bad, (bad, bad)) for name, bad in corrupted]))
    return found


def _thumbnails(image: npt.NDArray[np.uint8]) -> dict[str, str]:
    """Return example pictures, name -> ``data:`` URL: `image` with each corruption, and each kind of non-digit."""
    from mnist_trainer.evaluation.mnist_c import CORRUPTIONS
    from mnist_trainer.evaluation.out_of_distribution import NON_DIGITS

    found = {name: corruption(image[None], 0)[0] for name, corruption in CORRUPTIONS.items()}
    found |= {name: kind(1, 0)[0] for name, kind in NON_DIGITS.items()}
    return {name: picture_address(each) for name, each in found.items()}


def _drawn(found: Evaluation) -> npt.NDArray[np.intp]:
    """Return the indices of random images, the same ones at each call."""
    return np.random.default_rng(0).permutation(found.images)[:SHOWN]


def _gallery(found: Evaluation, indices: npt.NDArray[np.intp]) -> list[dict[str, Any]]:
    names = found.data.task.labels
    return [
        {
            "picture": picture_address(found.data.images[index]),
            "truth": names[found.data.labels[index]],
            "answer": names[found.answers[index]],
            "is_right": bool(found.right[index]),
            "confidence": float(found.scores[index].max()),
            "index": int(index),
        }
        for index in indices
    ]


def write_report(reports: Sequence[ModelReport], folder: Path) -> None:
    """Write ``evaluation.html``, ``evaluation.json`` and the figures of each model as ``.png`` into `folder`.

    Raises
    ------
    OutputError
        If the files cannot be written. The files of an earlier report are then unchanged.
    """
    from mnist_trainer.evaluation.pages.figures import FIGURES, plain_names

    with plain_names():
        pictures = [{title: _png(draw(one.evaluation)) for title, draw in FIGURES.items()} for one in reports]
    with atomic_files(folder) as staged:
        for number, (one, pngs) in enumerate(zip(reports, pictures, strict=True), start=1):
            for title, png in pngs.items():
                (staged / f"{number}-{Path(one.name).stem}-{title}.png").write_bytes(png)
        (staged / "evaluation.html").write_text(evaluation_page(reports), encoding="utf-8")
        (staged / "evaluation.json").write_text(reports_as_json(reports) + "\n", encoding="utf-8")


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
