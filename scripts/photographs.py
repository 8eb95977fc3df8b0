"""Print how well photographed digits are read; run by scripts/photographs."""

import sys
from collections import Counter

import numpy as np
from tests.runtime.photograph import CONDITIONS, photograph_one

from mnist_runtime import Classifier
from mnist_trainer import Dataset, load_data


def single_digits(classifier: Classifier, digits: Dataset, number: int) -> None:
    """Print a row for each of `CONDITIONS`: how many of `number` digits are answered rightly, not, and wrongly."""
    print(f"\n{number} digits a row, one a picture      right  no digit  wrong")
    for name, conditions in CONDITIONS.items():
        random = np.random.default_rng(sum(name.encode()))
        chosen = random.choice(len(digits), number if max(conditions.side) < 2000 else number // 10, replace=False)
        said = Counter[str]()
        for index in chosen:
            found = classifier.classify(photograph_one(digits.images[index], conditions, random)).digit
            said["none" if found is None else "right" if found == digits.labels[index] else "wrong"] += 1
        shares = [said[answer] / len(chosen) for answer in ("right", "none", "wrong")]
        print(f"{name:32}" + "".join(f"{share:9.1%}" for share in shares), flush=True)


def main(number: int) -> None:
    """Print all tables."""
    digits = load_data("auto").test
    with Classifier.load() as classifier:
        single_digits(classifier, digits, number)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 300)
