"""The page of ``mnist-evaluate --report``."""

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime.artifact.task import Task
from mnist_trainer import Dataset, Evaluation
from mnist_trainer.data.dataset import Splits
from mnist_trainer.evaluation.pages.charts import calibration_bars
from mnist_trainer.evaluation.pages.report import ModelReport, evaluation_page, summary, write_report
from mnist_trainer.evaluation.robustness import Robustness

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def test_images(digits: Splits) -> Dataset:
    return digits.test.take(np.arange(600), "test")


def report(data: Dataset, name: str, wrong: int, first: int = 0) -> ModelReport:
    """Return the report of a model that gives `wrong` wrong answers, from image `first` on."""
    answers = data.labels.copy()
    answers[first : first + wrong] = (answers[first : first + wrong] + 1) % 10
    scores = np.full((len(data), 10), 0.01, np.float32)
    scores[np.arange(len(data)), answers] = 0.91
    return ModelReport(name, Evaluation(data, scores), None)


def test_one_sentence_says_which_model_is_best_and_whether_that_is_chance(test_images: Dataset) -> None:
    alone = summary([report(test_images, "cnn", 6)])
    assert (
        alone
        == "cnn is right on 99.00% of 600 test images of digits (97.84% to 99.54% with 95 % confidence): 6 mistakes."
    )
    near = summary([report(test_images, "mlp", 8), report(test_images, "cnn", 6)])
    assert near.startswith("cnn is right on 99.00%")
    assert "The difference to mlp, with 8, may be chance (McNemar p = 0.5)." in near
    far = summary([report(test_images, "cnn", 6), report(test_images, "mlp", 60)])
    assert "is more than chance (McNemar p = 1.1e-16)" in far


def test_the_page_has_a_bar_for_each_model_all_in_svg(test_images: Dataset) -> None:
    reports = [report(test_images, "cnn", 6), report(test_images, "<script>mlp</script>", 60)]
    page = evaluation_page(reports)
    assert not re.search(r"(src|href)=\"(?!data:)|url\(|@import|<script|https?://", page)
    assert "&lt;script&gt;mlp" in page
    widths = [float(width) for width in re.findall(r'<rect x="0" y="\d+" width="([\d.]+)"', page)]
    assert len(widths) == 2
    assert widths[1] == pytest.approx(10 * widths[0], rel=0.01)
    assert page.count("1.00 % wrong") == page.count("10.00 % wrong") == 1
    mistakes = page.split("Most confident mistakes")[1].split("<h2>")[0]
    assert mistakes.count("<img") == 6 + 24


def test_corruptions_are_shown_as_pictures(test_images: Dataset) -> None:
    pytest.importorskip("skimage")
    from mnist_trainer.evaluation.mnist_c import CORRUPTIONS
    from mnist_trainer.evaluation.out_of_distribution import NON_DIGITS

    found = Robustness(600, dict.fromkeys(CORRUPTIONS, 0.9), dict.fromkeys(NON_DIGITS, 0.8))
    page = evaluation_page([report(test_images, "cnn", 6)._replace(robustness=found)])
    part = page.split("Corrupted and non-digit images")[1].split("<h2>")[0]
    pictures = re.findall(r'src="(data:image/png[^"]*)"', part)
    assert len(set(pictures)) == len(CORRUPTIONS) + len(NON_DIGITS)
    assert "10.00 % wrong" in page, "the mean of the corruptions has a bar too"


def test_bars_of_calibration_end_at_the_accuracy_of_their_bin(test_images: Dataset) -> None:
    found = report(test_images, "cnn", 60).evaluation
    assert calibration_bars(found) == [((13 + 0.5) / 15, 0.9, 600)]
    perfect = dataclasses.replace(
        report(test_images, "cnn", 0).evaluation, scores=np.eye(10, dtype=np.float32)[test_images.labels]
    )
    assert calibration_bars(perfect) == [((14 + 0.5) / 15, 1.0, 600)]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.slow
@pytest.mark.slow
def test_names_of_any_signs_can_be_drawn(tmp_path: Path) -> None:
    """Two ``$`` enclose formulas in Matplotlib, and its font has no Chinese signs; it warns of that."""
    labels = ("$\\frac$", "$_", "\u6570\u5b57")
    data = Dataset(
        "mine",
        "test",
        "here",
        np.zeros((4, 28, 28), np.uint8),
        np.array([0, 1, 2, 0], np.uint8),
        Task(28, 28, 1, labels=labels, preparation="plain"),
    )
    write_report([ModelReport("cnn", Evaluation(data, np.full((4, 3), 0.3, np.float32)), None)], tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".html", ".json", *[".png"] * 4]


@pytest.mark.long
def test_the_page_fits_a_phone_and_its_details_are_printed(test_images: Dataset, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    reports = [report(test_images, name, 30) for name in ("cnn", "exported/" + "a-long-name" * 5 + ".tflite", "mlp")]
    (tmp_path / "page.html").write_text(evaluation_page(reports), encoding="utf-8")
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=BROWSER)
        for width in (390, 1280):
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark")
            page.goto((tmp_path / "page.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") == width
        heading = page.get_by_role("columnheader", name="F1 score").first
        assert not heading.is_visible()
        page.emulate_media(media="print")
        assert heading.is_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
