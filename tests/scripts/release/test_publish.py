"""The parts of ``scripts/release``: version and changelog, distributions, cards, and what is tried where."""

import argparse
import json
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from mnist_exporters.cli.export import export_command
from mnist_runtime import ToolkitError, UsageError, __version__, verify_signature
from mnist_runtime.cli import main as runtime
from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.release.publish import changelog, commands, distributions, installs, run, source
from mnist_tools.release.publish.bill import write_bill
from mnist_tools.release.publish.cards import card
from mnist_trainer import READY_MODELS, find_model
from mnist_trainer.cli.train import train

ADDRESS = "https://example.org/mnist-edge-export"
CHANGES = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A page.\n\n## [0.1.0] - 2026-01-01\n\n- All.\n"
FOR_DEVELOPERS = {"check", "docs", "fuzz", "release", "test"}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the changelog and the version of a checkout in a temporary folder."""
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    (tmp_path / "__init__.py").write_text('"""A package."""\n\n__version__ = "0.1.0"\n')
    monkeypatch.setattr(changelog, "CHANGELOG", tmp_path / "CHANGELOG.md")
    monkeypatch.setattr(changelog, "VERSION_FILE", tmp_path / "__init__.py")
    return tmp_path


def test_a_version_gets_its_heading_once(checkout: Path) -> None:
    for _ in range(2):
        changelog.set_version("1.0.0rc1", "2026-11-26")
        text = (checkout / "CHANGELOG.md").read_text()
        assert text.count("## [Unreleased]\n\n## [1.0.0rc1] - 2026-11-26\n\n### Added") == 1
        assert changelog.notes_of(text, "1.0.0rc1") == "### Added\n\n- A page.\n"
    assert '__version__ = "1.0.0rc1"' in (checkout / "__init__.py").read_text()
    with pytest.raises(ToolError, match="Nothing is unreleased"):
        changelog.set_version("1.0.0", "2026-11-27")
    assert '__version__ = "1.0.0rc1"' in (checkout / "__init__.py").read_text()


@pytest.mark.parametrize("version", ["0.0.9", "one", "1.0.0-rc1", ""])
def test_a_wrong_version_changes_nothing(checkout: Path, version: str) -> None:
    with pytest.raises(UsageError, match="Give another one"):
        changelog.set_version(version, "2026-11-26")
    assert (checkout / "CHANGELOG.md").read_text() == CHANGES


@pytest.mark.parametrize("words", [["--key", "missing"], ["--python", "9.9"], [""]], ids=lambda words: words[0])
def test_what_is_wrong_is_said_before_anything_is_built(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(run, "DIST", checkout / "dist")
    with pytest.raises(ToolkitError):
        run.main(["--repository", ADDRESS, *words])
    assert not (checkout / "dist").exists()


def test_the_changelog_has_notes_for_the_present_version() -> None:
    version = changelog.STATEMENT.search(changelog.VERSION_FILE.read_text())[1]
    assert len(changelog.notes_of(changelog.CHANGELOG.read_text(), version)) > 100


def test_metadata_need_an_address() -> None:
    assert source.repository_address(f"{ADDRESS}.git/") == ADDRESS
    for wrong in ("http://example.org/x", "example.org", "https://exa mple.org/x"):
        with pytest.raises(UsageError, match="--repository https"):
            source.repository_address(wrong)


def test_links_of_the_readme_work_on_another_site() -> None:
    text = '[![a](docs/a.svg)](docs/a.md) [b](#b) [c](https://c.org/d) <a href="docs/d.md"><img src="docs/d.png"></a>'
    made = source.absolute_links(text, ADDRESS, "1.0")
    assert made == (
        f"[![a]({ADDRESS}/raw/v1.0/docs/a.svg)]({ADDRESS}/blob/v1.0/docs/a.md) [b](#b) [c](https://c.org/d) "
        f'<a href="{ADDRESS}/blob/v1.0/docs/d.md"><img src="{ADDRESS}/raw/v1.0/docs/d.png"></a>'
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("release")
    source.export_source(folder / "source", ADDRESS, "1.0")
    return distributions.build(distributions.PROJECTS[1], folder / "source", folder)[0]


def rewritten(wheel: Path, folder: Path, changes: dict[str, str | None]) -> Path:
    """Return a copy of a wheel in which entries, found by their end, have other content or are missing."""
    copy = folder / wheel.name
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(copy, "w") as made:
        for name in whole.namelist():
            end = next((end for end in changes if name.endswith(end)), None)
            content = whole.read(name).decode() if end == "METADATA" else whole.read(name)
            if end is None:
                made.writestr(name, content)
            elif (changed := changes[end]) is not None:
                made.writestr(name, "".join(line for line in content.splitlines(True) if changed not in line))
        for name in changes.keys() - {"METADATA"}:
            if changes[name] == "new":
                made.writestr(name, "new")
    return copy


@pytest.mark.long
def test_a_wheel_is_complete_or_refused(wheel: Path, tmp_path: Path) -> None:
    project = distributions.PROJECTS[1]
    distributions.check_metadata(wheel)
    distributions.check_contents(project, wheel)
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        assert f"Project-URL: Repository, {ADDRESS}" in archive.read(metadata).decode()
    for changes, words in (
        ({"models/cnn-int8.tflite": None}, r"lacks mnist_runtime/models/cnn-int8\.tflite"),
        ({"serving/page/page.html": None}, r"lacks mnist_runtime/serving/page/page\.html"),
        ({"mnist_runtime/notes.txt": "new"}, r"notes\.txt, which git does not track"),
    ):
        with pytest.raises(ToolError, match=words):
            distributions.check_contents(project, rewritten(wheel, tmp_path, changes))
    with pytest.raises(ToolError, match="has no Project-URL"):
        distributions.check_metadata(rewritten(wheel, tmp_path, {"METADATA": "Project-URL"}))


def test_the_sums_are_those_that_sha256sum_checks(tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "a card.md").write_text("a")
    (tmp_path / "b").write_text("b")
    distributions.write_sums(tmp_path)
    words = ["sha256sum", "--check", "SHA256SUMS"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "b: OK\ncards/a card.md: OK\n"
    if shutil.which("ssh-keygen"):
        key = tmp_path.with_name(f"{tmp_path.name}-key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        trusted = key.with_suffix(".list")
        trusted.write_text(f"maker {key.with_suffix('.pub').read_text()}")
        assert verify_signature(distributions.write_sums(tmp_path, key), trusted).signer == "maker"


@pytest.mark.parametrize("name", READY_MODELS)
def test_a_card_has_the_figures_of_the_record(name: str) -> None:
    record = json.loads(find_model(name).path.with_suffix(".json").read_text())
    text = card(name)
    assert text.startswith("---\nlicense: mit\n")
    assert f"| {record['test_accuracy']:.2%} |".replace("%", " %") in text
    assert f"{record['parameters']:,}" in text
    assert "| tflite int8 |" in text
    assert f"mnist-train --architecture {name} --seed {record['seed']} --data mnist\n" in text
    assert f"of a thousand test digits, {(1 - record['test_accuracy']) * 1000:.0f} are" in text
    assert all(word not in text for word in ("None", "{{", "Undefined"))


def lines() -> Iterator[str]:
    for installation in (*commands.WORKSTATION, *commands.DEVICE):
        yield from (step.line for step in installation.steps)


def test_every_extra_is_tried() -> None:
    for file, tried in (("pyproject.toml", commands.WORKSTATION), ("runtime/pyproject.toml", commands.DEVICE)):
        extras = set(tomllib.loads((ROOT / file).read_text())["project"]["optional-dependencies"])
        names = {name for installation in tried for name in installation.extras.split(",")}
        assert extras - FOR_DEVELOPERS == names - {""}


def test_every_command_is_tried() -> None:
    parser = runtime.command_line()
    (names,) = (each.choices for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    wanted = {f"mnist-runtime {name}" for name in names} - {"mnist-runtime serve"}
    wanted |= {f"mnist-export {name}" for name in export_command.subcommands} - {"mnist-export deploy"}
    wanted |= {f"mnist-train {name}" for name in train.subcommands}
    assert {name for name in wanted if not any(line.startswith(name) for line in lines())} == set()
    assert commands.SERVE in lines()  # the service is started
    assert "runtime_wheel" in commands.MODELS  # what deploy installs; there is no device
    assert any(line.startswith("mnist-evaluate") for line in lines())


def test_the_table_names_what_fails() -> None:
    facts = {"package": "mnist-runtime", "install_s": 1, "run_s": 1, "versions": {}}
    trials = [
        installs.InstallResult(extras="", python="3.11", failure="", steps=3, megabytes=1234, **facts),
        installs.InstallResult(extras="onnx", python="3.11", failure="`x` ended with 1", steps=0, megabytes=1, **facts),
        installs.InstallResult(extras="", python="3.12", failure="", steps=3, megabytes=99, **facts),
    ]
    assert installs.table(trials).splitlines() == [
        "## mnist-runtime",
        "",
        "| extras | commands | 3.11 | 3.12 |",
        "|---|--:|--:|--:|",
        "| none | 3 | 1,234 MB | 99 MB |",
        "| `onnx` | 0 | **fails**: `x` ended with 1 | not tried |",
    ]


@pytest.mark.slow
def test_the_plain_wheel_works_in_a_clean_environment_and_has_a_bill_of_materials(wheel: Path, tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH is not installed")
    pytest.importorskip("cyclonedx_py")
    bill = tmp_path / "bill.json"
    write = partial(write_bill, distributions.PROJECTS[1], bill)
    trials = installs.try_device(wheel, "3.11", False, write, lambda _: None)
    assert [trial.failure for trial in trials] == [""]
    found = json.loads(bill.read_text())
    assert found["bomFormat"] == "CycloneDX"
    assert found["metadata"]["component"]["version"] == __version__
    assert {"numpy", "pillow", "ai-edge-litert"} <= {component["name"] for component in found["components"]}
    assert str(wheel.parent) not in bill.read_text()
