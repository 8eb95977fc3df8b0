import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.shared.export_cases import EACH_PAIR

from mnist_exporters import ExportReport, ExportSession, ModelError, Precision, UsageError
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.pipeline.existing_files.verify import verify
from mnist_exporters.proof.answers import Answers
from mnist_runtime import ArtifactError, Classifier


@pytest.mark.long
@pytest.mark.parametrize(("format", "precision"), EACH_PAIR)
def test_every_export_is_verified_with_the_same_figures(
    exported: Callable[..., ExportReport],
    sessions: Callable[[str], ExportSession],
    format: str,
    precision: Precision,
) -> None:
    report = exported("mlp", format, precision)
    found = sessions("mlp").verify(report.path)
    assert found.parity == report.parity
    assert found.same_original


def test_accuracy_drop_must_be_a_fraction(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession]
) -> None:
    path = exported("mlp", "onnx", Precision.FLOAT32).path
    with pytest.raises(UsageError, match="fraction"):
        sessions("mlp").verify(path, max_accuracy_drop=5)


def test_too_few_images_of_other_data_refuse_a_file(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession]
) -> None:
    mlp = sessions("mlp")
    few = ExportSession(mlp.original, mlp.test, mlp.train)
    found = few.verify(exported("mlp", "onnx", Precision.FLOAT32).path)
    assert not found.parity.passed
    assert np.isfinite(found.parity.drop_upper_95)


def test_original_without_a_file_is_never_reported_as_the_same(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession]
) -> None:
    assert not verify(exported("mlp", "onnx", Precision.FLOAT32).path, sessions("mlp").reference, "").same_original


def test_a_model_in_memory_is_not_said_to_be_another(
    sessions: Callable[[str], ExportSession], exported: Callable[..., ExportReport]
) -> None:
    """Without its file nothing is known about the origin; with another file it is."""
    path, reference = exported("mlp", "onnx", Precision.INT8).path, sessions("mlp").reference
    in_memory, other = verify(path, reference, ""), verify(path, reference, "00")
    assert (in_memory.same_original, in_memory.is_original_known) == (False, False)
    assert "not a file, so not known to be the one" in str(in_memory)
    assert (other.same_original, other.is_original_known) == (False, True)
    assert "original   not the file that it was exported from" in str(other)


@pytest.fixture
def verified(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Verify a file with another manifest, which gives the scores of its original."""
    report, reference = exported("mlp", "onnx", Precision.FLOAT32), sessions("mlp").reference
    monkeypatch.setattr(Answers, "of", lambda *_: Answers(reference.scores))

    def verified(**facts: Any) -> Any:
        loaded = Classifier.load(report.path)
        loaded.manifest = dataclasses.replace(loaded.manifest, **facts)
        monkeypatch.setattr(load_plugin("onnx"), "load", lambda _: loaded)
        return verify(report.path, reference, "")

    return verified


@pytest.mark.parametrize(
    ("recorded", "judged"),
    [(0.6, 0.6), (0.5, 0.5), (1.0, 1.0), (0.4, 0.5), (1.1, 0.5), (True, 0.5), ("0.6", 0.5), (None, 0.5)],
)
def test_the_threshold_of_the_proof_judges_again_if_it_can_be_one(
    verified: Callable[..., Any], recorded: object, judged: float
) -> None:
    """It is at least that of the file. Files of older exporters have none."""
    parity = verified(threshold=0.5, parity={"judged_threshold": recorded}).parity
    assert (parity.threshold, parity.judged_threshold) == (0.5, judged)
    assert verified(threshold=0.5, parity=None).parity.judged_threshold == 0.5


def test_what_this_version_cannot_judge_is_an_error(verified: Callable[..., Any]) -> None:
    with pytest.raises(ArtifactError, match=r"has precision int2, which this version does not support. Update"):
        verified(precision="int2")
    with pytest.raises(ModelError, match="the 10 labels A, B, C, D, E, F, G, H, I, J, but the data has"):
        verified(labels=tuple("ABCDEFGHIJ"))
