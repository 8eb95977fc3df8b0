"""The line on the terminal during a deployment names the steps on the device."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_exporters.cli.main import main
from mnist_exporters.targets.deployment import deploy as deployment
from mnist_exporters.targets.deployment.there.facts import facts
from mnist_runtime.system.terminal import Progress

DONE = {"images": 10, "different": 0, "run_with": "numpy"}


class ThisComputer:
    """Stands for a device; nothing is installed."""

    address = "pi"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def call(self, step: str, request: dict[str, Any], *_: object) -> dict[str, Any]:
        if step == "facts":
            return facts(self.folder, request["modules"])
        told = {"version": "1", "previous": None, "folder": "f", "model": "", "program": "p", "service": ""}
        return {**told, "self_test": DONE, "notes": []}


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        ((), [("looking at pi", 3.0), ("installing on pi", 60.0)]),
        (("--service",), [("looking at pi", 3.0), ("installing on pi", 68.0)]),
        (("--dry-run",), [("looking at pi", 3.0)]),
        (("--rollback",), [("testing on pi", 8.0)]),
    ],
)
def test_each_step_on_the_device_has_its_time(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    steps: list[tuple[str, float]],
) -> None:
    device, shown = ThisComputer(tmp_path), []

    def connected(*_: object) -> contextlib.AbstractContextManager[ThisComputer]:
        return contextlib.nullcontext(device)

    @contextlib.contextmanager
    def step(_: Progress, text: str, typical: float) -> Iterator[None]:
        shown.append((text, typical))
        yield

    monkeypatch.setattr(deployment.Device, "connected", connected)
    monkeypatch.setattr("mnist_exporters.targets.deployment.there.facts.missing_reason", lambda: "")
    monkeypatch.setattr(Progress, "step", step)
    monkeypatch.setattr("sys.argv", ["mnist-export", "deploy", *words, "pi", "--json"])
    with pytest.raises(SystemExit) as left:
        main()
    assert (left.value.code, shown) == (0, steps)
    printed = json.loads(capsys.readouterr().out)
    is_dry = words == ("--dry-run",)
    assert printed.keys() == {field.name for field in dataclasses.fields(deployment.Deployment)}
    assert (printed["device"], printed["version"], printed["dry_run"]) == ("pi", "" if is_dry else "1", is_dry)
    if is_dry:
        assert printed["folder"] == str(tmp_path)
        assert "run the self-test, and switch to the new version if it passes" in printed["notes"]


def test_the_command_for_the_device_is_quoted() -> None:
    folder = "/home/pi/my $digits/current"
    told = {"version": "1", "previous": None, "folder": "f", "service": "", "self_test": DONE, "notes": ()}
    done = deployment.Deployment(device="pi", program=f"{folder}/run", model=f"{folder}/a b.tflite", **told)
    (line,) = [line for line in str(done).splitlines() if line.startswith("On the device: ")]
    assert line == f"On the device: '{folder}/run' classify --model '{folder}/a b.tflite' PICTURE"


def test_the_command_for_the_previous_version_names_the_folder() -> None:
    told = {"program": "p", "model": "", "service": "", "self_test": DONE, "notes": ()}
    done = deployment.Deployment(device="pi", version="2", previous="1", folder="/home/pi/my second", **told)
    assert "version 1 is kept: mnist-export deploy --rollback pi --folder '/home/pi/my second'" in str(done)
