"""Command line of the tools: ``scripts/tool GROUP NAME [OPTION ...]``."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import click

from mnist_runtime.system.command import run_command

__all__ = ["GROUPS", "Tool", "main"]


class Tool(NamedTuple):
    """One tool: the module ``mnist_tools.GROUP.NAME``, whose ``main(argv)`` returns the exit code.

    Parameters
    ----------
    summary : str
        One-line description.
    takes : str
        Duration on two cores, and programs or data that it needs.
    """

    summary: str
    takes: str


@dataclass(frozen=True)
class ToolGroup:
    """Tools that belong together.

    Parameters
    ----------
    summary : str
        One-line description.
    tools : dict of str to Tool
        Name -> tool.
    """

    summary: str
    tools: dict[str, Tool]


GROUPS: dict[str, ToolGroup] = {
    "bench": ToolGroup(
        "Measure speed and memory.",
        {
            "runtime": Tool("Compare the runtime with bare interpreters", "30 s a file"),
            "export": Tool("Time exports: import, convert, prove", "2 min, MNIST"),
            "training": Tool("Time a training step, Keras against ours", "75 s"),
            "web": Tool("Time pages in wasmtime, Node and Chromium", "10 min, MNIST"),
            "c": Tool("Compare C code with TFLM and LiteRT", "2 min, MNIST, tflite-micro"),
            "micro-memory": Tool("Compare C code's memory with TFLM's", "1 min, MNIST, tflite-micro"),
            "serve": Tool("Load the HTTP service, watch memory", "20 min"),
            "soak": Tool("Classify a million images, watch memory", "15 min"),
        },
    ),
    "docs": ToolGroup(
        "Build the documentation site.",
        {
            "build": Tool("Build build/site, as scripts/docs does", "a minute"),
            "layers": Tool("Draw the packages and their folders", "1 s"),
        },
    ),
    "mcu": ToolGroup(
        "Run exported C code on emulated microcontrollers.",
        {"check": Tool("Compare scores to the bit, measure flash and RAM", "5 min, QEMU, Zig")},
    ),
    "stress": ToolGroup(
        "Feed corrupted input and kill processes.",
        {
            "pictures": Tool("Classify 20,000 corrupted pictures", "20 min"),
            "fuzz": Tool("Fuzz one reader of the runtime, guided by coverage", "an hour, atheris"),
            "model-files": Tool("Load 20,000 corrupted models per backend", "10 min"),
            "matrix": Tool("Run the commands under failures of the machine", "20 min"),
            "meter": Tool("Watch a meter while broker, camera, disk and clock fail", "an hour, mosquitto"),
            "kill-exports": Tool("Kill mnist-export 100 times", "8 min"),
            "kill-trainings": Tool("Kill and resume mnist-train 20 times", "5 min"),
        },
    ),
    "studies": ToolGroup(
        "Measure the facts behind design decisions.",
        {
            "quantizers": Tool("Compare two quantizers on all models", "10 min or more, MNIST"),
            "agreement": Tool("Compare C code with the NumPy engine", "20 min, MNIST"),
            "interpreter-agreement": Tool("Compare int8 scores of interpreters", "3 min a file, MNIST"),
            "pixel-conventions": Tool("Find which pixel scaling trained networks expect", "25 min, MNIST"),
            "photographs": Tool("Read photographed digits and pages", "minutes"),
            "several-digits": Tool("Classify pictures of one and of several digits", "10 min"),
            "turned-away": Tool("Count the digits to which files give no answer", "10 min, MNIST"),
        },
    ),
    "training": ToolGroup(
        "Compare recipes and networks of the models.",
        {
            "pen": Tool("Train with and without pen digits", "2 min a row and seed, MNIST"),
            "continued": Tool("Try a changed recipe for a few epochs", "4 min a row, MNIST"),
            "network": Tool("Try a network for a few epochs", "5 min a seed, MNIST"),
            "handwriting": Tool("Measure models on other people's digits", "20 s a model, MNIST"),
            "calibration": Tool("Compare temperatures of a model's scores", "1 min a model, MNIST"),
        },
    ),
    "release": ToolGroup(
        "Write the tables of the documentation, test the wheel.",
        {
            "results": Tool("Measure all exports, write the tables", "10 min or more, MNIST"),
            "seeds": Tool("Train and measure several seeds", "hours, MNIST"),
            "demo": Tool("Write the page of the ready cnn, docs/demo.html", "2 min, MNIST"),
            "pictures": Tool("Draw the pictures of the explanations", "10 s"),
            "front": Tool("Record the terminal and the picture of README.md", "3 min, MNIST, Chromium"),
            "notebook": Tool("Run docs/walkthrough.ipynb and store its outputs", "1 min"),
            "pen-gallery": Tool("Draw the gallery of the simulated pen", "5 s"),
            "publish": Tool("Build and try a release; scripts/release runs it", "an hour, network"),
            "wheel": Tool("Test the device wheel on every Python", "5 min, network"),
            "layers": Tool("Export each layer of Keras, write the table", "10 min"),
            "interpreters": Tool("Measure the operators of interpreters", "2 min, network"),
        },
    ),
    "pi": ToolGroup(
        "Test the runtime on emulated Raspberry Pis.",
        {"check": Tool("Run every interpreter on every emulated Pi", "3 to 10 min, network")},
    ),
}
"""Name of the group -> its tools. To add a tool, add its module and one line here."""


class _ToolCommand(click.Command):
    """A tool as a click command. The module is imported when the tool runs, and parses its own options."""

    def __init__(self, group: str, name: str, tool: Tool) -> None:
        super().__init__(
            name,
            help=f"{tool.summary}.",
            short_help=f"{tool.summary} ({tool.takes})",
            add_help_option=False,
            context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        )
        self.module = f"mnist_tools.{group}.{name.replace('-', '_')}"

    def invoke(self, ctx: click.Context) -> NoReturn:
        """Run the tool with all remaining arguments."""
        run = importlib.import_module(self.module).main
        run_command(lambda: int(run(ctx.args)))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep all arguments for the tool, ``--help`` included."""
        ctx.args = args
        return args


def _command_line() -> click.Group:
    groups = []
    for name, group in GROUPS.items():
        made = click.Group(name, help=group.summary, no_args_is_help=True)
        for tool_name, tool in group.tools.items():
            made.add_command(_ToolCommand(name, tool_name, tool))
        groups.append(made)
    return _AllTools("tool", commands=groups, help="Tools for developers of this project.")


class _AllTools(click.Group):
    """The whole command line; its help lists the tools of all groups."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List each group with its tools."""
        del ctx
        for name, group in GROUPS.items():
            with formatter.section(f"{name}: {group.summary.rstrip('.')}"):
                rows = [(f"{name} {each}", f"{tool.summary} ({tool.takes})") for each, tool in group.tools.items()]
                formatter.write_dl(rows)


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line `argv`, by default that of the process. Without arguments, list all tools."""
    words = sys.argv[1:] if argv is None else argv
    _command_line()(words or ["--help"], prog_name="scripts/tool")
    raise AssertionError("click ends the process")


if __name__ == "__main__":
    main()
