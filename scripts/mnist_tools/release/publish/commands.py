"""Packages to install in clean environments, and the commands that must work there."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEVICE", "FILM", "KEY", "MODELS", "SERVE", "USUAL", "WORKSTATION", "Installation", "Step"]


@dataclass(frozen=True)
class Step:
    """A command, and the text or file that shows that it works.

    Parameters
    ----------
    line : str
        The command line, or Python code if it begins with a line break.
    shows : str
        What it must print on stdout or stderr, or nothing.
    makes : str
        A file that must exist then, or nothing.
    codes : tuple of int
        Exit codes that count as success. 3 is a refused export: the accuracy was too low, but the package works.
    answers : str
        Text that is typed on stdin.
    """

    line: str
    shows: str = ""
    makes: str = ""
    codes: tuple[int, ...] = (0,)
    answers: str = ""


@dataclass(frozen=True)
class Installation:
    """Extras, and the steps that need them.

    Parameters
    ----------
    extras : str
        Names with commas, as in ``mnist-runtime[litert,images]``; empty for none.
    steps : tuple of Step
        Run in this order, in one folder.
    """

    extras: str
    steps: tuple[Step, ...]


SERVE = "serve"
"""A step that starts the service, asks for its page and classifies a picture."""

KEY = "maker"
"""Name of the key in the folder of the steps."""

MODELS = """
from importlib import resources
from pathlib import Path
from mnist_exporters.targets.deployment.wheel import runtime_wheel
from mnist_trainer import READY_MODELS, find_model
assert all(find_model(name).path.is_file() for name in READY_MODELS)
print(runtime_wheel(Path()).name)
ready = (resources.files("mnist_runtime") / "models" / "cnn-int8.tflite").read_bytes()
Path("made-elsewhere.tflite").write_bytes(ready[: ready.index(b"PK\\x03\\x04")])
"""
"""Python code that checks that the ready models exist, builds the wheel that `deploy` installs, and writes a model file
like one from another tool."""

FILM = """
import cv2
picture = cv2.copyMakeBorder(cv2.imread("seven.png"), 40, 40, 40, 40, cv2.BORDER_REPLICATE)
film = cv2.VideoWriter("film.avi", cv2.VideoWriter_fourcc(*"MJPG"), 5, picture.shape[1::-1])
for _ in range(10):
    film.write(picture)
film.release()
"""
"""Python code that writes a video of the picture."""

CLASSIFIES = Step("mnist-runtime classify seven.png", ": 7 (")
TESTS = Step("mnist-runtime self-test", "passed: 10 of 10")
DOCTOR = Step("mnist-runtime doctor", "works")

WORKSTATION = (
    Installation(
        "",
        (
            DOCTOR,
            CLASSIFIES,
            TESTS,
            Step("mnist-runtime read seven.png", ": 7 ("),
            Step("mnist-runtime regions seven.png", "[[value]]"),
            Step("mnist-runtime bench --quick", "numpy"),
            Step("mnist-train --architecture linear --data digits --epochs 1 --output mine.keras", makes="mine.keras"),
            Step("mnist-evaluate linear --data digits", "linear"),
            Step(
                "mnist-export tiny --data digits --format all --quantize none --quantize int8 --report report",
                makes="report/report.html",
            ),
            Step("mnist-runtime classify --model exported/tiny-int8.tflite seven.png", ": 7 ("),
            Step("mnist-runtime classify --model exported/tiny-float32.onnx seven.png", ": 7 ("),
            Step("mnist-export verify exported/tiny-int8.tflite --against tiny --data digits", "proven"),
            Step("mnist-export inspect exported/tiny-int8.tflite", "litert"),
            Step("mnist-export sign exported/tiny-int8.tflite --key maker", makes="exported/tiny-int8.tflite.sig"),
            Step("mnist-runtime verify exported/tiny-int8.tflite --trusted trusted", "signed by maker"),
            Step(MODELS, ".whl", makes="made-elsewhere.tflite"),
            Step(
                "mnist-export seal made-elsewhere.tflite --against cnn --data digits --output sealed",
                makes="sealed/made-elsewhere-int8.tflite",
            ),
        ),
    ),
    Installation(
        "c",
        (
            Step(
                "mnist-export tiny --data digits --format c --quantize --package arduino --output digits",
                makes="digits/arduino/tiny_int8/src/tiny_int8.c",
            ),
        ),
    ),
    Installation(
        "web", (Step("mnist-export tiny --data digits --format web --quantize", makes="exported/tiny-int8.html"),)
    ),
    Installation(
        "micro", (Step("mnist-export tiny --data digits --format tflm --quantize", makes="exported/tiny-int8-tflm.h"),)
    ),
    Installation("int4", (Step("mnist-export mlp --data digits --quantize int4", "int4", codes=(0, 3)),)),
    Installation(
        "ethos",
        (
            Step(
                "mnist-export tiny --data digits --quantize --target ethos-u55 --output u55",
                makes="u55/tiny-int8.tflite",
            ),
        ),
    ),
    Installation(
        "plots",
        (
            Step(
                "mnist-train --architecture linear --data digits --epochs 1 --plot --output plotted.keras",
                makes="plotted.png",
            ),
            Step("mnist-evaluate linear --data digits --report evaluation", makes="evaluation/evaluation.html"),
        ),
    ),
    Installation("robustness", (Step("mnist-evaluate linear --data digits --robustness", "mean of corruptions"),)),
    Installation(
        "sweep", (Step("mnist-train sweep --architecture linear --data digits --trials 1 --epochs 1", makes="sweep"),)
    ),
)
"""Installations of mnist-edge-export: each is added to those before it."""

USUAL = "litert,images"
"""Extras of mnist-runtime that most devices have."""

DEVICE = (
    Installation("", (DOCTOR, TESTS, Step("mnist-runtime classify seven.npy", ": 7 ("))),
    Installation("images", (CLASSIFIES, TESTS)),
    Installation(USUAL, (DOCTOR, CLASSIFIES, TESTS, Step("mnist-runtime bench --quick", "litert"))),
    Installation("tflite,images", (CLASSIFIES, TESTS)),
    Installation("onnx,images", (CLASSIFIES, Step("mnist-runtime self-test --backend onnxruntime", "passed"))),
    Installation("litert,images,plots", (Step("mnist-runtime bench --quick --plot bench.svg", makes="bench.svg"),)),
    Installation(
        "litert,images,serve",
        (Step(SERVE, '"digit":7'), Step("mnist-runtime label pictures", "1 labelled", answers="7\n")),
    ),
    Installation(
        "litert,images,watch,mqtt",
        (Step(FILM), Step("mnist-runtime watch --source film.avi", '"digit": 7'), Step("\nimport paho.mqtt.client\n")),
    ),
)
"""Installations of mnist-runtime: each in an environment of its own."""
