"""`bench`, the facts about the device, and the command bench."""

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.shared.backend_cases import EVERY_BACKEND

from mnist_runtime import ArtifactError, BackendError, Bench, UsageError, bench
from mnist_runtime.cli.checks import in_text
from mnist_runtime.device.machine import Conditions, Machine
from mnist_runtime.device.measure import QUICK, Latency, Plan, Throughput, measure

SHORT = Plan(windows=3, window_s=0.01, starts=1, threads=(1, 2), batches=(1, 8))

Run = Callable[..., object]


@pytest.fixture(scope="module")
def measured() -> Bench:
    return bench(backend="numpy", plan=SHORT)


@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_every_backend_is_measured_in_a_process_without_the_others(backend: str) -> None:
    (found,) = bench(backend=backend, plan=SHORT).measurements
    one = found.one_image
    assert found.backend == backend
    assert found.version[0].isdecimal()
    assert 1 < one.p50_us <= one.p95_us <= one.p99_us <= one.worst_us
    assert one.calls >= SHORT.windows
    assert 0 < found.load_s < found.cold_start_s
    assert 20e6 < found.peak_memory_bytes < 400e6
    assert 10_000 < found.file_bytes < 100_000
    assert [(each.threads, each.batch) for each in found.throughputs] == [(1, 1), (1, 8), (2, 1), (2, 8)]
    assert all(each.images_per_s > 10 for each in found.throughputs)


def test_the_device_is_described() -> None:
    here = Machine.here()
    assert here.kernel == os.uname().release
    assert here.cores == len(os.sched_getaffinity(0))
    assert here.memory_bytes > 1e8
    assert here.processor
    assert here.system


def fake_vcgencmd(folder: Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "vcgencmd"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("answer", "throttled"),
    [
        ("echo throttled=0x0", ()),
        ("echo throttled=0x50005", ("under-voltage", "throttled", "under-voltage since", "throttled since")),
        ("echo 'error=1 error_msg=\"Command not registered\"'", None),
        ("exit 3", None),
    ],
)
def test_what_vcgencmd_says_is_told_in_words(
    answer: str, throttled: tuple[str, ...] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_vcgencmd(tmp_path, answer, monkeypatch)
    found = Conditions.now().throttled
    assert (found is None) == (throttled is None)
    for words, start in zip(found or (), throttled or (), strict=True):
        assert words.startswith(start)


def test_the_files_of_the_system_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (
        ("scaling_cur_freq", "1500000\n"),
        ("scaling_governor", "ondemand\n"),
        ("temp", "48500\n"),
        ("model", "Raspberry Pi 4 Model B Rev 1.4\0"),
    ):
        (tmp_path / name).write_text(content)
    place = "mnist_runtime.device.machine"
    monkeypatch.setattr(f"{place}.FREQUENCY", f"{tmp_path}/")
    monkeypatch.setattr(f"{place}.TEMPERATURE", str(tmp_path / "temp"))
    monkeypatch.setattr(f"{place}.BOARD", (str(tmp_path / "none"), str(tmp_path / "model")))
    found = Conditions.now()
    assert (found.governor, found.frequency_mhz, found.temperature_c) == ("ondemand", 1500.0, 48.5)
    assert Machine.here().board == "Raspberry Pi 4 Model B Rev 1.4"
    (tmp_path / "temp").write_text("broken")
    (tmp_path / "scaling_governor").unlink()
    assert (Conditions.now().temperature_c, Conditions.now().governor) == (None, None)


FIGURES = {
    "version": "1",
    "load_s": 0.1,
    "one_image": [[0.001], [0.002], [0.003]],
    "peak_memory_bytes": 5,
    "batches": [{"threads": 1, "batch": 8, "windows": [[0.004]]}],
}


def test_figures_are_computed_from_the_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer of the process may come in one piece."""
    program = f"print('first answer\\n' + {json.dumps(FIGURES)!r}, flush=True)"
    monkeypatch.setattr("mnist_runtime.device.measure.PROBE", [sys.executable, "-c", program])
    found = measure(None, "numpy", QUICK)
    assert not isinstance(found, str)
    assert found.throughputs == (Throughput(1, 8, 2000.0),)
    assert found.one_image.p50_us == pytest.approx(2000)
    assert found.spread == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("end", "words"), [("sys.exit('lost: the model')", "lost: the model."), ("os._exit(7)", "it ended with code 7.")]
)
def test_a_process_that_fails_after_its_first_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, end: str, words: str
) -> None:
    program = f"import os, sys; print('first answer', flush=True); {end}"
    monkeypatch.setattr("mnist_runtime.device.measure.PROBE", [sys.executable, "-c", program])
    assert measure(None, "numpy", QUICK) == words


@pytest.mark.parametrize("start", ["", "print('first answer', flush=True); "])
def test_a_process_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch, start: str) -> None:
    program = f"import time; {start}time.sleep(600)"
    monkeypatch.setattr("mnist_runtime.device.measure.PROBE", [sys.executable, "-c", program])
    monkeypatch.setattr("mnist_runtime.device.measure.TIME_LIMIT", 1)
    assert measure(None, "numpy", QUICK) == "it took more than 1 seconds."


def test_doubtful_figures_have_notes(measured: Bench) -> None:
    calm = Conditions("performance", 1800.0, 50.0, (), 0.1)
    steady = tuple(dataclasses.replace(one, spread=0.01) for one in measured.measurements)
    good = dataclasses.replace(measured, before=calm, after=calm, measurements=steady)
    assert good.notes == ()
    doubtful = dataclasses.replace(
        good,
        before=dataclasses.replace(calm, governor="ondemand", load=99.0),
        after=dataclasses.replace(calm, throttled=("throttled",)),
        measurements=tuple(dataclasses.replace(one, spread=0.5) for one in steady),
        failures={"litert": "it ended with code 1."},
    )
    text = " ".join(doubtful.notes)
    for words in ("numpy: the times vary by 50%", "load was 99.0", "governor ondemand", "board reports: throttled"):
        assert words in text
    assert "litert failed: it ended with code 1." in doubtful.notes


def test_a_broken_interpreter_is_a_failure_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ready: dict[str, Path]
) -> None:
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime" / "__init__.py").write_text("raise RuntimeError('no such instruction')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BackendError, match=r"onnxruntime: .*no such instruction.* Run: mnist-runtime doctor"):
        bench(ready["onnx"], plan=SHORT)


def test_a_missing_file_and_another_backend_are_errors(ready: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="Check the path"):
        bench(tmp_path / "missing.tflite")
    with pytest.raises(UsageError, match="does not run int8 tflite files"):
        bench(ready["tflite"], backend="onnxruntime")


@pytest.mark.long
def test_the_command_prints_a_table_or_json(run: Run, ready: dict[str, Path]) -> None:
    done = run("mnist-runtime", "bench", ready["tflite"], "--backend", "numpy", "--quick")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("cnn int8, one image in memory on one thread\n")
    assert Machine.here().kernel in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    done = run("mnist-runtime", "bench", "--backend", "numpy", "--json", "--quick")
    facts = json.loads(done.stdout)
    assert set(facts) == {field.name for field in dataclasses.fields(Bench)} | {"schema", "notes"}
    assert facts["measurements"][0]["one_image"]["p50_us"] > 1
    assert [one["backend"] for one in facts["measurements"]] == ["numpy"]
    assert facts["machine"]["cores"] >= 1


def test_the_table_has_the_speed_of_every_batch(measured: Bench) -> None:
    text = in_text(measured)
    for pair in ("1 x 1: ", "8 x 1: ", "1 x 2: ", "8 x 2: "):
        assert pair in text


def test_what_is_not_known_or_measured_is_left_out(measured: Bench) -> None:
    alone = tuple(dataclasses.replace(one, throughputs=()) for one in measured.measurements)
    before, after = Conditions(None, None, None, None, None), Conditions("performance", None, None, (), 0.0)
    text = in_text(dataclasses.replace(measured, measurements=alone, before=before, after=after))
    assert "before: nothing known; after: governor performance, load 0.0, not throttled" in " ".join(text.split())
    assert (text.count("\nnumpy "), "images a second" in text) == (1, False)


def test_the_table_fits_80_columns_whatever_the_figures(measured: Bench) -> None:
    slow = Latency(0.9996, 12.34, 99_960.0, 987_654_321.0, 1)
    rows = tuple(Throughput(threads, batch, 1_234_567.8) for threads in (1, 2, 4, 128) for batch in (1, 32, 256))
    (one,) = measured.measurements
    changes = {"one_image": slow, "throughputs": rows, "load_s": 123.456, "cold_start_s": 0.9996}
    one = dataclasses.replace(
        one, backend="tflite-runtime", version="2.14.0", peak_memory_bytes=1_234_567_890, **changes
    )
    conditions = Conditions(
        "performance", 1800.0, 50.0, ("under-voltage since the start", "throttled since the start"), 9.9
    )
    failures = {"litert": "it needs an instruction that this processor lacks, and ended with code 132, twice."}
    found = dataclasses.replace(measured, measurements=(one,), before=conditions, after=conditions, failures=failures)
    lines = in_text(found).splitlines()
    assert max(map(len, lines)) <= 80
    cells = "1.0 us 12.3 us 100 ms 988 s 123 s 1000 ms 1235 MB"
    (row,) = (line for line in lines if line.startswith("tflite-runtime 2.14.0"))
    assert row.split()[2:] == cells.split()


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture_shows_each_interpreter_and_the_notes(measured: Bench, suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from mnist_runtime.device.plot import write_plot

    noted = dataclasses.replace(measured, model=r"5$ \frac$", failures={"litert": "it crashed."})
    write_plot(noted, tmp_path / f"speed{suffix}")
    if suffix == ".png":
        image_module = pytest.importorskip("PIL.Image")
        with image_module.open(tmp_path / "speed.png") as picture:
            assert picture.width > 800
            assert len(picture.convert("RGB").getcolors(1 << 20)) > 10
    else:
        text = (tmp_path / "speed.svg").read_text()
        for words in (r"5$ \frac$", "numpy", "images a second", "worst", "litert failed: it crashed."):
            assert f"<!-- {words}" in text
    without_batches = tuple(dataclasses.replace(one, throughputs=()) for one in measured.measurements)
    write_plot(dataclasses.replace(measured, measurements=without_batches), tmp_path / f"one{suffix}")


@pytest.mark.long
def test_a_picture_that_cannot_be_written_is_an_error_before_the_measurement(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "file").touch()
    for path in (tmp_path / "speed.gif", tmp_path, tmp_path / "file" / "speed.png"):
        done = run("mnist-runtime", "bench", "--quick", "--plot", path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ")


def test_the_command_refuses_a_file_that_is_no_model(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.tflite").write_text("no model")
    done = run("mnist-runtime", "bench", tmp_path / "notes.tflite")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("error: ")


def test_the_device_and_its_conditions_are_described() -> None:
    assert Machine.here().cores >= 1
    assert Conditions.now() != Conditions(None, None, None, None, None)
