"""Measure how well photographed digits are read, with simulated photographs of real handwriting."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from mnist_runtime import Classifier
from mnist_runtime.reading.page import Reading, read
from mnist_tools.rendering.camera import CONDITIONS, PAGES, photograph_one, photograph_page
from mnist_tools.rendering.documents import DOCUMENTS, photograph_document
from mnist_tools.rendering.nothing import NOTHING
from mnist_tools.rendering.page import compare
from mnist_trainer import Dataset, load_data

__all__ = ["main"]


def single_digits(
    classifier: Classifier, digits: Dataset, number: int, rows: Sequence[str] = tuple(CONDITIONS)
) -> None:
    """Print, for each row of `CONDITIONS`, the fractions of right, missing and wrong answers to `number` pictures."""
    print(f"\n{f'{number} pictures a row, one digit each':38}    right  no digit  wrong")
    for name in rows:
        conditions = CONDITIONS[name]
        random = np.random.default_rng(sum(name.encode()))
        chosen = random.choice(len(digits), number if max(conditions.side) < 2000 else number // 10, replace=False)
        answers = Counter[str]()
        for index in chosen:
            found = classifier.classify(photograph_one(digits.images[index], conditions, random)).digit
            answers["none" if found is None else "right" if found == digits.labels[index] else "wrong"] += 1
        fractions = [answers[answer] / len(chosen) for answer in ("right", "none", "wrong")]
        print(f"{name:38}" + "".join(f"{fraction:9.1%}" for fraction in fractions), flush=True)


def pages(classifier: Classifier, digits: Dataset, number: int) -> None:
    """Print, for each of `PAGES`, how the digits on `number` pages are read.

    ``false alarms`` counts readings where no digit was written.
    """
    print(
        f"\n{f'{number} pages a row, 4 to 20 digits each':38}    right   missed   wrong  false alarms  pages in order"
    )
    for name, conditions in PAGES.items():
        random = np.random.default_rng(sum(name.encode()))
        counts, total, ordered = Counter[str](), 0, 0
        for _ in range(number):
            chosen = random.choice(len(digits), random.integers(4, 21), replace=False)
            picture, written = photograph_page(digits.images[chosen], conditions, random)
            places = [(digit.row, digit.column) for digit in written]
            matches = [_match(found, places) for found in read(picture, classifier)]
            seen = [place for place, _ in matches if place is not None]
            right = sum(place is not None and digit == digits.labels[chosen[place]] for place, digit in matches)
            counts.update(right=right, missed=len(written) - len(set(seen)), false=len(matches) - len(seen))
            total += len(written)
            ordered += seen == sorted(seen)
        wrong = total - counts["right"] - counts["missed"]
        row = "".join(f"{count / total:9.1%}" for count in (counts["right"], counts["missed"], wrong, counts["false"]))
        print(f"{name:38}{row}{ordered / number:16.1%}", flush=True)


def documents(classifier: Classifier, digits: Dataset, number: int) -> None:
    """Print, for each of `DOCUMENTS`, how the digits on `number` of them are read, drawn and photographed."""
    print(f"\n{f'{number} documents a row':38}    right   missed   wrong  false alarms")
    for name, draw in DOCUMENTS.items():
        for conditions in ("clean", "phone"):
            random = np.random.default_rng(sum(name.encode()))
            counts = Counter[str]()
            for _ in range(number):
                document = draw(digits, random)
                picture = photograph_document(document, CONDITIONS[conditions], random)
                places = [(row, column) for _, row, column in document.digits]
                matches = [_match(each, places) for each in read(picture, classifier)]
                found = dict(matches)
                counts["false"] += sum(place is None for place, _ in matches)
                counts["missed"] += sum(place not in found for place in range(len(places)))
                counts["right"] += sum(found.get(n) == digit for n, (digit, _, _) in enumerate(document.digits))
                counts["digits"] += len(places)
            counts["wrong"] = counts["digits"] - counts["missed"] - counts["right"]
            row = "".join(f"{counts[each] / counts['digits']:9.1%}" for each in ("right", "missed", "wrong", "false"))
            print(f"{f'{name}, {conditions}':38}{row}", flush=True)


def _match(found: Reading, places: Sequence[tuple[float, float]]) -> tuple[int | None, int | None]:
    """Return the index of the only one of `places` (row, column) in the box of `found`, or None; and the digit."""
    left, top, right, bottom = found.box
    inside = [n for n, (row, column) in enumerate(places) if left <= column < right and top <= row < bottom]
    return inside[0] if len(inside) == 1 else None, found.prediction.digit


def nothing(classifier: Classifier, number: int) -> None:
    """Print, for each of `NOTHING`, the fraction of `number` pictures without a digit that are given a digit."""
    print(f"\n{f'{number} pictures a row, without a digit':38} no digit   a digit   found by read, per picture")
    for name, picture_of in NOTHING.items():
        random = np.random.default_rng(sum(name.encode()))
        pictures = [picture_of(random) for _ in range(number)]
        wrong = sum(classifier.classify(picture).digit is not None for picture in pictures) / number
        found = sum(len(read(picture, classifier)) for picture in pictures) / number
        print(f"{name:38}{1 - wrong:9.1%} {wrong:9.1%} {found:9.2f}", flush=True)


TABLES: dict[str, Callable[[Classifier, Dataset, int], None]] = {
    "digits": single_digits,
    "pages": lambda classifier, digits, number: pages(classifier, digits, -(-number // 15)),
    "documents": lambda classifier, digits, number: documents(classifier, digits, -(-number // 15)),
    "nothing": lambda classifier, _, number: nothing(classifier, -(-number // 3)),
}
"""Name -> prints a table, for the number of pictures of one digit that a row of `digits` has."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="scripts/tool studies photographs", description=__doc__)
    parser.add_argument("number", nargs="?", type=int, default=300, help="pictures per condition (default: 300)")
    parser.add_argument("--page", action="store_true", help="the page of --format web instead, beside mnist-runtime")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=[*TABLES], metavar="TABLE", help="default: all")
    parser.add_argument("--rows", nargs="+", choices=CONDITIONS, metavar="ROW", help="only these, of one digit each")
    options = parser.parse_args(argv)
    if options.page:
        compare(options.number)
        return 0
    digits = load_data("auto").test
    with Classifier.load() as classifier:
        if options.rows:
            single_digits(classifier, digits, options.number, options.rows)
            return 0
        for name in options.tables:
            TABLES[name](classifier, digits, options.number)
    return 0
