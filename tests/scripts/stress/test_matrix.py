"""``scripts/tool stress matrix``: cases are judged; the whole matrix is run for docs/results/robustness.md."""

import json
import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("mnist_exporters", reason="the commands of all packages are run")

from mnist_tools.checkout import command
from mnist_tools.stress.failures.cases import FAMILIES, Scratch
from mnist_tools.stress.failures.run import Case, problem_of
from mnist_tools.stress.matrix import PAGE, RESULTS


def program(code: str) -> list[str]:
    return [sys.executable, "-c", f"import pathlib, sys\n{code}"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.exit(1)", "exit code 1"),
        ("print('Traceback (most recent call last):', file=sys.stderr)", "a traceback"),
        ("print('error: unexpected KeyError: 1.', file=sys.stderr); sys.exit(2)", "a bug"),
        ("print('error: a.\\nerror: b.', file=sys.stderr); sys.exit(2)", "2 error lines"),
        ("sys.exit(2)", "0 error lines"),
        ("pathlib.Path('.mnist-x').mkdir()", "left over"),
        ("pathlib.Path('a.tflite').write_bytes(b'half')", "not whole"),
        ("print('error: a.', file=sys.stderr); sys.exit(2)", ""),
        ("", ""),
    ],
)
def test_wrong_ends_are_found(tmp_path: Path, code: str, words: str) -> None:
    found = problem_of(Case("case", program(code), tmp_path, (0, 2)))
    assert words in found if words else not found


def test_results_must_be_json_and_complete_files_are_right(tmp_path: Path, ready: dict[str, Path]) -> None:
    shutil.copy(ready["tflite"], tmp_path)
    assert not problem_of(Case("case", [*program("print('{}')"), "--json"], tmp_path))
    assert "no JSON" in problem_of(Case("case", [*program("print('words {}')"), "--json"], tmp_path))


@pytest.mark.parametrize("shell", ["2>&-", ">/dev/full"])
def test_a_stream_of_the_runtime(tmp_path: Path, ready: dict[str, Path], shell: str) -> None:
    words = command("mnist-runtime self-test --json", ready["tflite"])
    code = 2 if shell.startswith(">") else 0
    assert not problem_of(Case("case", words, tmp_path, (code,), shell))


def test_one_write_fails_as_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    done = Scratch(tmp_path, 0).with_full_disk(1).run()
    assert done.returncode == 2
    assert b"No space left on device" in done.stderr or b"disk is full" in done.stderr


def test_the_documented_matrix_has_every_family_and_nothing_wrong() -> None:
    rows = json.loads(RESULTS.read_text())
    assert set(rows) == set(FAMILIES)
    assert all(row["wrong"] == {} and row["cases"] for row in rows.values())
    text = PAGE.read_text()
    assert all(f"| {family.about} | {rows[name]['cases']} |" in text for name, family in FAMILIES.items())
