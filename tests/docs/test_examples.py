"""The examples: draw pictures, train, export with proof, and read pictures; their commands are run."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.shared.ssh_server import ssh_server

from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import Classifier
from mnist_runtime.artifact.task import Task
from mnist_tools.checkout import ROOT, environment, tool

EXAMPLES = {
    "meter": Task(32, 20, 3, (*"0123456789", "N")),
    "letters": Task(28, 28, 1, tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "mnist"),
}

MORE = {"mnist-train": ("--batch-size", "32"), "mnist-export": ("--max-accuracy-drop", "0.1", "--no-repair")}
"""Program -> options that let a training succeed on few pictures, and a test on few of them prove something."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["meter", "letters"])
def test_the_commands_work_with_few_pictures(
    name: str, here: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run the commands in this process; with few pictures and epochs, half of them are read right."""
    script = (ROOT / "examples" / name / "run.sh").read_text()
    lines = [line.replace("$root", str(ROOT)).replace("$out", str(tmp_path)) for line in script.splitlines()]
    said = ""
    for program, *words in [shlex.split(line) for line in lines if line.startswith(("python ", "mnist-"))]:
        if "tflm" in words:  # as in the tests of the exporters, and below
            continue
        if program == "python":
            monkeypatch.setattr(sys, "argv", [*words, "30", "12"])
            runpy.run_path(words[0], run_name="__main__")
            continue
        given = [re.sub("^30$", "10", word) for word in words]  # epochs
        done = here(program, *given, *MORE.get(program, ()))
        assert done.returncode == 0, done.stderr
        said = done.stdout
    assert said.count("\n") == 2
    manifest = Classifier.load(tmp_path / f"{name}.tflite").manifest
    assert manifest.task == EXAMPLES[name]
    assert manifest.parity is not None
    assert manifest.parity["passed"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "answers"), [("meter", ["7", "N"]), ("letters", ["R", "B"])])
def test_the_script_reads_the_pictures(name: str, answers: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "examples" / name / "run.sh", tmp_path],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    device = Classifier.load(tmp_path / f"{name}.tflite")
    assert device.manifest.parity is not None
    assert device.manifest.parity["accuracy_exported"] > 0.97
    assert device.manifest.parity["drop_upper_95"] < 0.005
    found = [line.partition(": ")[2] for line in done.stdout.splitlines() if ".png: " in line]
    assert [line[0] for line in found] == answers
    micro = load_plugin("tflm").load(tmp_path / f"{name}.h")
    assert micro.predict(device.golden.images).tolist() == device.predict(device.golden.images).tolist()
    trained = json.loads((tmp_path / f"{name}.json").read_text())
    assert trained["task"]["labels"] == list(EXAMPLES[name].labels)


@pytest.mark.slow
def test_a_meter_is_watched_its_doubts_are_learned_and_the_new_file_is_deployed(tmp_path: Path) -> None:
    """On short films; the broker is that of the tool, in which broker, camera, disk and clock fail once."""
    pytest.importorskip("cv2")
    if not shutil.which("mosquitto", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin"):
        pytest.skip("mosquitto is not installed")
    (tmp_path / "ssh").mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with ssh_server(tmp_path / "ssh") as client:
        for words in (
            ["run.sh", tmp_path],
            ["loop.sh", tmp_path, "pi", "-F", client, "--folder", tmp_path / "device", "--extra", "none"],
        ):
            done = subprocess.run(
                [ROOT / "examples" / "meter" / words[0], *words[1:]],
                env={**os.environ, "PATH": path, "FRAMES": "500", "EPOCHS": "2"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
    judged = re.findall(r"(\w+)\.jsonl: (\d+) values of \d+ litres, (\d+) wrong", done.stdout)
    assert [(name, wrong) for name, _, wrong in judged] == [("meter", "0"), ("tuned", "0")]
    assert all(int(count) > 9 for _, count, _ in judged)
    assert "pi has version 1: 11 of 11 answers as recorded" in done.stdout
    tuned = Classifier.load(tmp_path / "tuned.tflite")
    assert tuned.manifest.parity is not None
    assert tuned.manifest.parity["passed"]
    words = tool("stress meter", tmp_path / "tuned.tflite", "--part", "faults", "--times", 1)
    failing = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    assert failing.returncode == 0, failing.stdout
