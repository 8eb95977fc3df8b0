"""Print how well photographed digits are read; run by scripts/photographs."""

import sys
from collections import Counter

import numpy as np

from mnist_runtime import Classifier
from mnist_runtime.reading.page import Reading, read
from mnist_tools.studies.camera import CONDITIONS, NOTHING, PAGES, Written, photograph_one, photograph_page
from mnist_trainer import Dataset, load_data


def single_digits(classifier: Classifier, digits: Dataset, number: int) -> None:
    """Print a row for each of `CONDITIONS`: how many of `number` digits are answered rightly, not, and wrongly."""
    print(f"\n{f'{number} digits a row, one a picture':32}    right  no digit  wrong")
    for name, conditions in CONDITIONS.items():
        random = np.random.default_rng(sum(name.encode()))
        chosen = random.choice(len(digits), number if max(conditions.side) < 2000 else number // 10, replace=False)
        said = Counter[str]()
        for index in chosen:
            found = classifier.classify(photograph_one(digits.images[index], conditions, random)).digit
            said["none" if found is None else "right" if found == digits.labels[index] else "wrong"] += 1
        shares = [said[answer] / len(chosen) for answer in ("right", "none", "wrong")]
        print(f"{name:32}" + "".join(f"{share:9.1%}" for share in shares), flush=True)


def pages(classifier: Classifier, digits: Dataset, number: int) -> None:
    """Print a row for each of `PAGES`: what becomes of the digits on `number` pages, and what else is taken for one."""
    print(f"\n{f'{number} pages a row, of 4 to 20 digits':32}    right   missed   wrong  false alarms  pages in order")
    for name, conditions in PAGES.items():
        random = np.random.default_rng(sum(name.encode()))
        said, total, ordered = Counter[str](), 0, 0
        for _ in range(number):
            chosen = random.choice(len(digits), random.integers(4, 21), replace=False)
            picture, written = photograph_page(digits.images[chosen], conditions, random)
            met = [_met(found, written) for found in read(picture, classifier)]
            seen = [place for place, _ in met if place is not None]
            right = sum(place is not None and digit == digits.labels[chosen[place]] for place, digit in met)
            said.update(right=right, missed=len(written) - len(set(seen)), false=len(met) - len(seen))
            total += len(written)
            ordered += seen == sorted(seen)
        wrong = total - said["right"] - said["missed"]
        shares = "".join(f"{count / total:9.1%}" for count in (said["right"], said["missed"], wrong, said["false"]))
        print(f"{name:32}{shares}{ordered / number:16.1%}", flush=True)


def _met(found: Reading, written: list[Written]) -> tuple[int | None, int | None]:
    """Return the number of the one digit whose middle lies in the box of `found`, and what it was taken for."""
    left, top, right, bottom = found.box
    inside = [n for n, one in enumerate(written) if left <= one.column < right and top <= one.row < bottom]
    return inside[0] if len(inside) == 1 else None, found.prediction.digit


def nothing(classifier: Classifier, number: int) -> None:
    """Print a row for each of `NOTHING`: how many of `number` pictures without a digit are answered with one."""
    print(f"\n{f'{number} pictures a row, without a digit':32} no digit   a guess   found by read, a picture")
    for name, picture_of in NOTHING.items():
        random = np.random.default_rng(sum(name.encode()))
        pictures = [picture_of(random) for _ in range(number)]
        guessed = sum(classifier.classify(picture).digit is not None for picture in pictures) / number
        found = sum(len(read(picture, classifier)) for picture in pictures) / number
        print(f"{name:32}{1 - guessed:9.1%} {guessed:9.1%} {found:9.2f}", flush=True)


def main(number: int) -> None:
    """Print all tables."""
    digits = load_data("auto").test
    with Classifier.load() as classifier:
        single_digits(classifier, digits, number)
        pages(classifier, digits, -(-number // 15))
        nothing(classifier, -(-number // 3))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 300)
