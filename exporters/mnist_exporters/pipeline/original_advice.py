"""`advice_on`: warn if the pixels may be scaled differently than in the training of the original."""

from __future__ import annotations

from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.inputs.original import Original
from mnist_exporters.inputs.original_model import OriginalModel
from mnist_exporters.proof.reference import USUAL_ACCURACY, Reference
from mnist_exporters.proof.unfit import least_accuracy, why_images_differ, wrong_averages
from mnist_runtime.errors import DOCUMENTATION, ModelError

__all__ = ["advice_on", "low_accuracy"]

CERTAIN, NEARLY_ALL = 0.9999, 0.95
"""If more than the fraction `NEARLY_ALL` of the test images has a best score of at least `CERTAIN`, the scaling that
the user stated is compared with others."""

LOW_ACCURACY = 0.9
"""Accuracy below which the advice is a warning, because the pixels are probably scaled wrongly."""


def advice_on(original: OriginalModel, reference: Reference, test: LabelledImages) -> str | None:
    """Return a note or a warning if the pixels may be scaled differently than in training, else None.

    There is no advice for a model that needs a scaling per pixel: each export of it is refused with that reason.

    Parameters
    ----------
    original : OriginalModel
        The model.
    reference : Reference
        The test images and the scores of the model.
    test : LabelledImages
        The test images.
    """
    is_usual = reference.accuracy >= USUAL_ACCURACY
    if original.range_origin == "as recorded" or reference.by_pixel or (is_usual and not _is_sure_of_all(reference)):
        return None
    is_low = reference.accuracy < least_accuracy(len(original.task.labels))
    is_reported = is_low and reference.pixel_doubt  # in the error for each file
    if original.range_origin == "as given" and not is_reported and (doubt := _doubt_of_stated_pixels(original, test)):
        return doubt
    averages = wrong_averages(reference)
    if is_usual or (is_low and (averages or why_images_differ(reference))):
        return None
    if averages:
        return f"warning: The original is right on {reference.accuracy:.2%}. {averages}"
    return low_accuracy(reference)


def low_accuracy(reference: Reference) -> str | None:
    """Return a note or a warning for an original that is less accurate than usual; else None."""
    is_low = reference.accuracy < LOW_ACCURACY
    is_mnist = reference.dataset == "mnist"
    if not is_low and not is_mnist:
        return None
    low = "is low for MNIST" if is_mnist else "may be low; each file is compared with it"
    cases = (
        " If each pixel or each image was scaled by its own numbers (StandardScaler, keras.utils.normalize), add that "
        "scaling to the model as a layer."
    )
    return (
        f"{'warning' if is_low else 'note'}: An accuracy of {reference.accuracy:.2%} {low}. If you measured "
        "more, state it with --expect-accuracy YOUR_ACCURACY, and state how pixels were scaled: --pixel-range, or "
        f"--pixel-mean and --pixel-std, and --invert.{cases * is_low}"
    )


def _is_sure_of_all(reference: Reference) -> bool:
    """Return whether nearly all scores are almost 1, as they are with pixels that are 255 times too large.

    The accuracy of a network of convolutions and ReLUs does not fall then, but its confidence means nothing.
    """
    return float((reference.scores.max(axis=1) >= CERTAIN).mean()) > NEARLY_ALL


def _doubt_of_stated_pixels(original: OriginalModel, test: LabelledImages) -> str | None:
    """Return a warning if the original is far more accurate with another pixel scaling or with blue first (BGR)."""
    if not isinstance(original, Original):
        return None
    if reversed_channels := original.blue_first(test):
        rgb, bgr = reversed_channels
        return (
            f"warning: The original is right on {rgb.accuracy:.1%} of {rgb.images:,} images, but on "
            f"{bgr.accuracy:.1%} with blue first (BGR, as OpenCV reads pictures). If the images have blue first, "
            "exchange their channels: images[..., ::-1]. Otherwise begin the model with a layer that does so "
            f"(see {DOCUMENTATION}/{ModelError.page})."
        )
    doubt = original.doubt_of_pixels(test, "original")
    return f"warning: {doubt}" if doubt else None
