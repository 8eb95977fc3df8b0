from collections.abc import Callable

import numpy as np
import pytest
from tests.shared.export_cases import EACH_PAIR

from mnist_exporters import ExportReport, ExportSession, Precision, UsageError
from mnist_exporters.pipeline.existing_files.verify import verify


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
    from mnist_exporters.pipeline.existing_files.verify import verify

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
