"""Help, hints and shell completion of the commands of the trainer."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import click
import pytest
from click.testing import CliRunner

from mnist_runtime.errors import ArtifactError
from mnist_trainer.cli.parameter_types import ExistingPath

Run = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize("words", [["mnist-train"], ["mnist-train", "sweep"], ["mnist-evaluate"]])
def test_help_has_sections_and_fits_80_columns(here: Run, words: list[str]) -> None:
    done = here(*words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    for title in ("Usage:", "Other options:", "Examples:", "Exit codes:"):
        assert title in done.stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["mnist-train", "--architecture", "lenett"], "Did you mean lenet?"),
        (["mnist-train", "--architecture", "vgg"], "Choose one of linear, dense-100,"),
        (["mnist-train", "--optimiser", "sgd"], "Did you mean '--optimizer'?"),
        (["mnist-train", "swep"], "Did you mean sweep?"),
        (["mnist-train", "sweep", "--trial", "1"], "'--trials'"),
        (["mnist-train", "cnn"], "There is no command mnist-train cnn. See mnist-train --help."),
        (["mnist-train", "--epochs", "1.5"], "'--epochs': '1.5' is not a valid whole number."),
        (["mnist-train", "--learning-rate", "nan"], "'--learning-rate': 'nan' is not a valid number."),
        (["mnist-evaluate"], "Missing argument 'MODEL...'"),
        (["mnist-evaluate", "cnn", "--report="], "'--report': the path is empty."),
        (["mnist-train", "--output="], "'--output': the path is empty."),
    ],
)
def test_a_mistyped_name_gets_the_nearest_one_as_a_hint(here: Run, words: list[str], hint: str) -> None:
    done = here(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert hint in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mnist-export", "-dash.keras"], "No such option '-d'. A file of this name is ./-dash.keras. See"),
        (["mnist-export", "cnn", "--output", "-"], "results are not written to stdout. Give a file or a folder."),
    ],
    ids=str,
)
def test_names_that_mean_something_else_are_refused(here: Run, tmp_path: Path, words: list[str], said: str) -> None:
    done = here(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_mistyped_path_gets_the_nearest_one_as_a_hint(tmp_path: Path) -> None:
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "cnn-int8.tflite").touch()

    @click.command()
    @click.argument("file", type=ExistingPath(ArtifactError))
    def command(file: Path) -> None:
        click.echo(file)

    found = CliRunner().invoke(command, [str(tmp_path / "exported" / "cnn-int8.tflite")])
    assert found.output.strip() == str(tmp_path / "exported" / "cnn-int8.tflite")
    for wrong in ("exported/cnn-int8.tflit", "export/cnn-int8.tflite"):
        error = CliRunner().invoke(command, [str(tmp_path / wrong)]).exception
        assert isinstance(error, ArtifactError)
        assert f"Did you mean {tmp_path / 'exported' / 'cnn-int8.tflite'}?" in str(error)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mnist-train ", {"sweep"}),
        ("mnist-train --arch", {"--architecture"}),
        ("mnist-train --architecture de", {"dense-100", "dense-1000"}),
        ("mnist-train --data d", {"digits"}),
        ("mnist-train sweep --tr", {"--trials"}),
        ("mnist-evaluate c", {"cnn"}),
        ("mnist-evaluate cnn m", {"mlp"}),
        ("mnist-evaluate cnn --pixel-range 0..2", {"0..255"}),
    ],
)
def test_the_shell_completes_names(here: Run, monkeypatch: pytest.MonkeyPatch, words: str, expected: set[str]) -> None:
    program = words.split(maxsplit=1)[0]
    monkeypatch.setenv(f"_{program.replace('-', '_').upper()}_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    done = here(program)
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected


def test_the_completion_script_is_printed(here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_MNIST_TRAIN_COMPLETE", "zsh_source")
    done = here("mnist-train")
    assert done.returncode == 0
    assert "compdef _mnist_train_completion mnist-train" in done.stdout
