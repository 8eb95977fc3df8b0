"""The confidence below which a file gives no answer, and what it costs."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_exporters import ExportReport, Parity, Precision, Reference
from mnist_exporters.proof.threshold import NO_THRESHOLD, Threshold, choose_threshold
from mnist_runtime import Classifier, Prediction, Task
from mnist_trainer import Splits

COUNT = 4000
RNG = np.random.default_rng(0)
LABELS = (np.arange(COUNT) % 10).astype(np.uint8)
IMAGES = RNG.integers(0, 256, (COUNT, 28, 28), np.uint8)


def scores_of(confidence: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return scores of which the best has a confidence, float32 (n, 10)."""
    rest = ((1 - confidence) / 9)[:, None]
    return np.where(np.arange(10) == answers[:, None], confidence[:, None], rest).astype(np.float32)


CONFIDENCE = RNG.permutation(np.linspace(0.3, 0.9999, COUNT))
RIGHT = scores_of(CONFIDENCE, LABELS)
REFERENCE = Reference("made up", IMAGES, LABELS, RIGHT)


@pytest.mark.parametrize(("tolerance", "lost"), [(0.004, 4), (0.01, 10), (0.5, 12)])
def test_right_answers_below_it_take_a_quarter_of_the_tolerance(tolerance: float, lost: int) -> None:
    """At most 0.5 % of the images are below it with 95 % confidence: 12 of 4,000."""
    found = choose_threshold(REFERENCE, RIGHT, tolerance)
    parity = Parity.compare(REFERENCE, RIGHT, tolerance, found)
    assert (parity.turned_away, parity.turned_away_right, parity.lost) == (lost, lost, lost)
    assert parity.passed
    assert parity.accuracy_exported == 1 - lost / COUNT
    assert parity.agreement == 1 - lost / COUNT
    assert f"no answer  {lost} images, confidence below {found.judged:.4f}; {lost} of them lost\n" in str(parity)
    assert f"threshold  {found.value:.4f} in the file; {found.judged:.4f}, a stricter one, in this proof" in str(parity)
    assert max(map(len, str(parity).splitlines())) <= 80
    assert int((RIGHT.max(axis=1) < found.value).sum()) == lost - 1, "the file turns away one less than was judged"


def test_one_image_without_an_answer_is_singular() -> None:
    between = float(np.sort(RIGHT.max(axis=1))[:2].mean())
    parity = Parity.compare(REFERENCE, RIGHT, 0.01, Threshold(between, between))
    assert "no answer  1 image, confidence below" in str(parity)
    assert "threshold  " not in str(parity), "the one in the file is the one of the proof"


def test_no_image_takes_part_in_the_choice_of_the_threshold_that_judges_it() -> None:
    """Leave one out: without a turned away image, the same rule gives at most the judged threshold."""
    found = choose_threshold(REFERENCE, RIGHT, 0.01)
    away = np.flatnonzero(RIGHT.max(axis=1) < found.judged)
    for left_out in away[::4]:
        rest = np.arange(COUNT) != left_out
        others = Reference("others", IMAGES[rest], LABELS[rest], RIGHT[rest])
        again = choose_threshold(others, RIGHT[rest], 0.01 * COUNT / (COUNT - 1))
        assert found.value <= again.value <= found.judged


def test_a_threshold_that_would_prevent_the_proof_is_lower() -> None:
    """Of 1,500 images not one right answer may be lost in float32: 0.2 points."""
    part = Reference("few", IMAGES[:1500], LABELS[:1500], RIGHT[:1500])
    found = choose_threshold(part, RIGHT[:1500], 0.002)
    lowest = np.sort(RIGHT[:1500].max(axis=1).astype(np.float64))
    assert found.value == pytest.approx(lowest[0] / 2, abs=1e-4)
    assert found.judged == lowest[1] / 2
    parity = Parity.compare(part, RIGHT[:1500], 0.002, found)
    assert parity.passed
    assert (parity.turned_away, parity.lost) == (0, 0)


def away(scores: np.ndarray, threshold: float) -> float:
    """Return the fraction of images below a threshold."""
    return float((scores.max(axis=1).astype(np.float64) < threshold).mean())


def test_digits_of_other_domains_lower_it() -> None:
    """Of 1,000 other digits, 20 have less confidence than any test image: a threshold above would lose more."""
    confidence = np.concatenate([np.linspace(0.11, 0.2, 20), np.linspace(0.2, 0.35, 60), np.full(920, 0.99)])
    hard, easy = scores_of(confidence, LABELS[:1000]), scores_of(np.full(1000, 0.99), LABELS[:1000])
    alone = choose_threshold(REFERENCE, RIGHT, 0.01)
    assert away(hard, alone.value) > 0.05
    assert choose_threshold(REFERENCE, RIGHT, 0.01, [easy]) == alone
    for others in ([hard], [hard, easy], [easy, hard, easy]):
        found = choose_threshold(REFERENCE, RIGHT, 0.01, others)
        domains = [RIGHT, *others]
        assert 0.11 < found.value <= found.judged < alone.value
        assert np.mean([away(scores, found.value) for scores in domains]) <= 0.005
        assert np.mean([away(scores, found.value + 0.02) for scores in domains]) > 0.005
        assert Parity.compare(REFERENCE, RIGHT, 0.01, found).passed


def test_a_file_without_numbers_for_other_digits_has_no_threshold() -> None:
    assert choose_threshold(REFERENCE, RIGHT, 0.01, [np.full((9, 10), np.nan, np.float32)]) == NO_THRESHOLD


def test_an_export_answers_other_digits_too(exported: Callable[..., ExportReport], digits: Splits) -> None:
    """`mlp` has not seen them: the test images alone would give a threshold that leaves many without an answer."""
    report = exported("mlp", "tflite", Precision.INT8)
    assert report.path is not None
    device, labels = Classifier.load(report.path), digits.test.labels
    reference = Reference("digits", digits.test.images, labels, scores_of(np.ones(len(labels)), labels))
    assert [len(images) for images in reference.other_digits] == [300, 300]
    domains = [device.predict_proba(images) for images in (digits.test.images, *reference.other_digits)]
    assert 0 < report.parity.threshold == device.manifest.threshold
    assert np.mean([away(scores, report.parity.threshold) for scores in domains]) <= 0.005
    own = Reference("letters", digits.test.images, labels, domains[0], Task(28, 28, 1, tuple("abcdefghij")))
    assert own.other_digits == (), "nobody draws other letters"


def test_a_single_unsure_answer_that_must_not_be_lost_leaves_no_threshold() -> None:
    """The lowest confidence is below half of the next, and 1,500 images cannot prove 0.002 if one is lost."""
    confidence = np.linspace(0.5, 0.9999, 1500)
    reference = Reference("few", IMAGES[:1500], LABELS[:1500], scores_of(confidence, LABELS[:1500]))
    assert choose_threshold(reference, reference.scores, 0.002).value == 0.25
    confidence[0] = 0.2
    unsure = dataclasses.replace(reference, scores=scores_of(confidence, LABELS[:1500]))
    assert choose_threshold(unsure, unsure.scores, 0.002) == NO_THRESHOLD
    assert Parity.compare(unsure, unsure.scores, 0.002).passed


@pytest.mark.parametrize("right", [0, 1, 2])
def test_a_model_that_is_hardly_ever_right_is_no_error(right: int) -> None:
    answers = LABELS[:1000].copy()
    answers[right:] = (answers[right:] + 1) % 10
    scores = scores_of(np.linspace(0.5, 0.9999, 1000), answers)
    found = choose_threshold(Reference("wrong", IMAGES[:1000], LABELS[:1000], scores), scores, 0.05)
    assert (found == NO_THRESHOLD) is (right < 2)


def test_what_is_refused_anyway_has_no_threshold() -> None:
    few = Reference("few", IMAGES[:300], LABELS[:300], RIGHT[:300])
    assert choose_threshold(few, RIGHT[:300], 0.002) == NO_THRESHOLD
    assert choose_threshold(REFERENCE, np.full_like(RIGHT, np.nan), 0.01) == NO_THRESHOLD
    assert choose_threshold(REFERENCE, scores_of(CONFIDENCE, (LABELS + 1) % 10), 0.01) == NO_THRESHOLD


def test_a_network_that_is_sure_of_everything_gets_a_threshold_that_its_integers_reach() -> None:
    """The output of an int8 file ends at 255/256; a threshold of 0.999 turned every picture away."""
    sure = np.minimum(scores_of(np.full(COUNT, 0.99999), LABELS), np.float32(255 / 256))
    found = choose_threshold(REFERENCE, sure, 0.005)
    assert 0 < found.value <= found.judged <= 255 / 256
    parity = Parity.compare(REFERENCE, sure, 0.005, found)
    assert parity.turned_away == 0
    assert Prediction.of(sure[0], found.value).digit == LABELS[0]


def test_wrong_answers_below_it_cost_nothing() -> None:
    answers = np.where(CONFIDENCE < 0.3012, (LABELS + 1) % 10, LABELS)  # the seven least sure ones are wrong
    scores = scores_of(CONFIDENCE, answers)
    reference = Reference("made up", IMAGES, LABELS, scores)
    parity = Parity.compare(reference, scores, 0.004, choose_threshold(reference, scores, 0.004))
    assert (parity.turned_away, parity.turned_away_right, parity.lost) == (11, 4, 4)


@pytest.mark.long
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.002, 0.005, 0.01, 0.1]), st.integers(1, 8))
def test_an_export_that_passes_without_a_threshold_passes_with_it(seed: int, tolerance: float, power: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = 1 - rng.random(COUNT) ** power * 0.8
    lost = rng.permutation(COUNT)[: rng.integers(0, 30)]
    answers = LABELS.copy()
    answers[lost] = (answers[lost] + 1) % 10
    scores = scores_of(confidence, answers)
    bare = Parity.compare(REFERENCE, scores, tolerance)
    others = [scores_of(1 - rng.random(300) ** power * 0.9, answers[:300]) for _ in range(rng.integers(0, 3))]
    found = choose_threshold(REFERENCE, scores, tolerance, others)
    judged = Parity.compare(REFERENCE, scores, tolerance, found)
    assert np.mean([away(part, found.value) for part in (scores, *others)]) <= 0.005
    assert bare.passed == judged.passed
    assert 0 <= found.value <= found.judged <= scores.max()
    assert judged.turned_away <= 0.005 * COUNT
    assert found == Threshold(found.value, found.judged)


def test_the_check_turns_away_what_the_runtime_turns_away() -> None:
    scores = RNG.dirichlet(np.full(10, 0.2), 500).astype(np.float32)
    labels = LABELS[:500]
    reference = Reference("made up", IMAGES[:500], labels, scores)
    for threshold in (0.3, 0.5, float(np.sort(scores.max(axis=1))[99])):
        parity = Parity.compare(reference, scores, 0.5, Threshold(threshold, threshold))
        answers = [Prediction.of(row, threshold).digit for row in scores]
        assert parity.turned_away == answers.count(None) > 0
        assert parity.accuracy_exported == np.mean(
            [digit == label for digit, label in zip(answers, labels, strict=True)]
        )
