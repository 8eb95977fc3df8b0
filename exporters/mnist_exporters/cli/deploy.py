"""``mnist-export deploy``: install a file on a device over ssh."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path

import click

from mnist_exporters.cli.options import EXIT_CODES, ssh_config_option
from mnist_exporters.errors import UsageError
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.targets.deployment.plan import EXTRAS, FOLDER
from mnist_runtime.errors import ArtifactError, listed, printable
from mnist_runtime.system.command import echo
from mnist_runtime.system.terminal import Progress
from mnist_trainer.cli.options import Command, argument, json_option, option
from mnist_trainer.cli.parameter_types import Choice, ExistingPath

__all__ = ["deploy_command"]

EXAMPLES = """\
mnist-export deploy exported/cnn-int8.tflite pi@raspberrypi.local
mnist-export deploy exported/cnn-int8.tflite pi@raspberrypi.local --dry-run
mnist-export deploy exported/cnn-int8.tflite pi@raspberrypi.local --service
mnist-export deploy meter.tflite pi@pi --run "watch --source 0 --rate 1"
mnist-export deploy --rollback pi@raspberrypi.local
"""

INSTALL = "Installation"


@click.command(
    "deploy",
    cls=Command,
    short_help="Install a file on a device over ssh, and test it there.",
    examples=EXAMPLES,
    exit_codes=EXIT_CODES,
)
@argument(
    "words",
    "An exported .tflite or .onnx file (default: the ready model), and the device.",
    nargs=-1,
    metavar="[FILE] USER@HOST",
)
@option(
    "--dry-run",
    section=INSTALL,
    is_flag=True,
    help="Connect to the device and print what would be done, without a change.",
)
@option("--rollback", section=INSTALL, is_flag=True, help="Return to the previous version.")
@option(
    "--folder",
    section=INSTALL,
    default=FOLDER,
    metavar="DIR",
    help=f"Folder on the device; a name alone means a folder in the home folder (default: {FOLDER}).",
)
@option(
    "--extra",
    section=INSTALL,
    type=Choice((*EXTRAS, "none")),
    help=f"Interpreter: {', '.join(EXTRAS)}, or none for NumPy alone (default: the best one for the device).",
)
@option(
    "--service/--no-service",
    section=INSTALL,
    default=None,
    help="Run mnist-runtime serve as a systemd service of the user, or remove the service (default: as before).",
)
@option(
    "--run",
    section=INSTALL,
    metavar="ARGUMENTS",
    help="Run mnist-runtime with these arguments as the service, such as 'watch --source 0', instead of serve.",
)
@ssh_config_option()
@json_option()
def deploy_command(
    *,
    words: tuple[str, ...],
    dry_run: bool,
    rollback: bool,
    folder: str,
    extra: str | None,
    service: bool | None,
    run: str | None,
    ssh_config: Path | None,
    as_json: bool,
) -> int:
    """Install a file and mnist-runtime on a device, and run the self-test there.

    The device needs ssh and Python 3.10 or newer. A new version replaces the old one only after its self-test has
    passed and its service, if there is one, has started; the old one is kept.
    """
    from mnist_exporters.targets.deployment import deploy as deployment

    path, device = _file_and_device(words, rollback=rollback)
    if rollback:
        _check_rollback(dry_run=dry_run, extra=extra, service=service, run=run)
    arguments = _service_arguments(service, run)
    seconds = deployment.TESTING_S if rollback else deployment.LOOKING_S + deployment.INSTALLING_S * (not dry_run)
    with Progress(seconds) as line:
        if rollback:
            done = deployment.rollback(device, folder=folder, ssh_config=ssh_config, progress=echo, line=line)
        else:
            done = deployment.deploy(
                path,
                device,
                folder=folder,
                extra=extra,
                service=arguments,
                dry_run=dry_run,
                ssh_config=ssh_config,
                progress=echo,
                line=line,
            )
    print(json.dumps(dataclasses.asdict(done), indent=2) if as_json else done)
    return 0


SUFFIXES = (".tflite", ".onnx")
"""Suffixes of the files that mnist-runtime can run on a device with Python."""


def _file_and_device(words: tuple[str, ...], *, rollback: bool) -> tuple[Path | None, str]:
    """Return the file and the device from the command's arguments. The file is None for the ready model."""
    if rollback:
        if len(words) != 1 or _is_file(words[0]):
            fault = "--rollback takes no file. " if words else ""
            raise UsageError(f"{fault}Give the device: mnist-export deploy --rollback pi@raspberrypi.local")
        return None, words[0]
    files = [word for word in words if _is_file(word)]
    if len(words) == 1 and files:
        _exported_file(files[0])  # report a wrong file before the missing device
        raise UsageError(f"{files[0]} is a file. Add the device, such as pi@raspberrypi.local.")
    if not 1 <= len(words) <= 2:
        raise UsageError("Give a file and the device: mnist-export deploy FILE pi@raspberrypi.local")
    if len(words) == 2 and files == [words[1]]:
        raise UsageError(f"{words[1]} is a file. Give the file before the device.")
    return (_exported_file(words[0]) if len(words) == 2 else None), words[-1]


def _check_rollback(*, dry_run: bool, extra: str | None, service: bool | None, run: str | None) -> None:
    """Raise an error if options are given that have no effect with --rollback."""
    given = {
        "--dry-run": dry_run,
        "--extra": extra is not None,
        "--service": service is True,
        "--no-service": service is False,
        "--run": run is not None,
    }
    if names := [name for name, is_given in given.items() if is_given]:
        raise UsageError(
            "--rollback returns to the previous version, with its interpreter and its service. Leave out "
            f"{listed(names, len(names))}."
        )


def _is_file(word: str) -> bool:
    """Return whether `word` is the path of a file, which may be missing, and not a device."""
    path, suffixes = Path(word), {each.suffix for each in FORMATS.values()}
    return "@" not in path.name and (path.is_file() or path.suffix.lower() in suffixes)


def _exported_file(word: str) -> Path:
    """Return `word` as a path; raise an error if the file is missing or cannot run on a device with Python."""
    path = Path(word)
    if path.suffix.lower() in SUFFIXES or not path.exists():
        path = ExistingPath(ArtifactError).convert(word, None, None)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{printable(word)} does not run on a device with Python. Give a .tflite or .onnx file from mnist-export."
        )
    return path


def _service_arguments(service: bool | None, run: str | None) -> list[str] | None:
    """Return the arguments with which the service runs mnist-runtime; None to leave the service as it is."""
    if run is not None:
        if service is False:
            raise UsageError("--run and --no-service exclude each other. Give one of them.")
        try:
            return shlex.split(run)
        except ValueError as error:
            raise UsageError(f"--run {run!r} is incomplete: {error}. Close the quotation marks.") from error
    return None if service is None else ["serve"] if service else []
