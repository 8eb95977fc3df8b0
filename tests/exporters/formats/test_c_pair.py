"""Names in C code, and pairs of files that do not belong together."""

from pathlib import Path

import numpy as np
import pytest

from mnist_exporters.errors import UsageError
from mnist_exporters.formats.c_pair import NO_DIGEST, array_of, identifier, numbers_text, read_pair, stamped_pair
from mnist_runtime import ArtifactError


@pytest.mark.parametrize(
    ("stem", "name"),
    [("Net-int8", "net_int8"), ("7 up", "model_7_up"), ("_net", "model__net"), ("été", "model__t_"), ("", "model_")],
)
def test_a_file_name_becomes_an_identifier(stem: str, name: str) -> None:
    """Names that begin with an underscore belong to the compiler."""
    assert identifier(stem) == name


@pytest.mark.parametrize("stem", ["a\tb", "a\nb", 'a"b', "a\\b"])
def test_a_name_that_no_include_line_can_have_is_an_error(stem: str) -> None:
    with pytest.raises(UsageError, match=r"C cannot include a file named .* Give another name with --output"):
        identifier(stem)


def write_pair(folder: Path, name: str = "net", source: str = "int x;") -> Path:
    header = f'#define NET_SHA256 "{NO_DIGEST}"\n#define NET_ID 0x{NO_DIGEST[:8]}u\n'
    path = folder / f"{name}.c"
    for suffix, text in zip((".h", ".c"), stamped_pair(header, f"{source} /* 0x{NO_DIGEST[:8]}u\n*/"), strict=True):
        path.with_suffix(suffix).write_text(text)
    return path


def test_the_files_of_one_export_belong_together(tmp_path: Path) -> None:
    path = write_pair(tmp_path)
    header, source = read_pair(path, ".c")
    digest = header.partition('"')[2][:64]
    assert digest != NO_DIGEST
    assert f"NET_ID 0x{digest[:8]}u\n" in header
    assert source == f"int x; /* 0x{digest[:8]}u\n*/"
    assert read_pair(path.with_suffix(".h"), ".c") == (header, source)


@pytest.mark.parametrize("suffix", [".h", ".c"])
def test_a_file_of_another_export_or_that_is_no_text_is_an_error(suffix: str, tmp_path: Path) -> None:
    path = write_pair(tmp_path)
    other = write_pair(tmp_path, "other", "int y;").with_suffix(suffix)
    path.with_suffix(suffix).write_bytes(other.read_bytes())
    with pytest.raises(ArtifactError, match=r"come from different exports \(SHA-256 differs\)\. Export them again"):
        read_pair(path, ".c")
    path.with_suffix(suffix).write_bytes(b"\xff\xfe")
    with pytest.raises(ArtifactError, match=r"cannot both be read .*codec.* Export them again"):
        read_pair(path, ".c")


def test_the_numbers_of_an_array_are_read_back() -> None:
    numbers = np.arange(-150, 150).reshape(30, 10)
    text = f"static const int16_t bias_1[300] = {{\n{numbers_text(numbers)}\n}};\n"
    assert max(map(len, text.splitlines())) <= 112
    assert np.array_equal(array_of(text, "bias_1", np.int16), numbers.ravel())
    with pytest.raises(ArtifactError, match=r"has no array bias\. Keep the names of both files"):
        array_of(text, "bias", np.int16)
