"""``mnist-export sign``: sign a proven file with an OpenSSH key."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mnist_exporters.cli.options import EXIT_CODES, ExportedFile
from mnist_runtime.errors import printable
from mnist_runtime.system.command import echo
from mnist_trainer.cli.options import Command, argument, json_option, option
from mnist_trainer.cli.parameter_types import ExistingPath

__all__ = ["sign_command"]

EXAMPLES = """\
mnist-export sign exported/cnn-int8.tflite --key ~/.ssh/id_ed25519
mnist-runtime verify exported/cnn-int8.tflite --trusted keys
"""


@click.command(
    "sign",
    cls=Command,
    short_help="Sign a proven file, so that devices can tell who made it.",
    examples=EXAMPLES,
    exit_codes=EXIT_CODES,
)
@argument("file", "A file that mnist-export made; for C code, the .c or the .h file.", type=ExportedFile())
@option(
    "--key",
    type=ExistingPath(),
    required=True,
    metavar="FILE",
    help="A private key of OpenSSH, or the public key of one in ssh-agent.",
)
@json_option()
def sign_command(*, file: Path, key: Path, as_json: bool) -> None:
    """Sign a proven file with an OpenSSH key, and write the signature beside it, as FILE.sig.

    On the device, "mnist-runtime verify" checks it, and --trusted of other commands refuses files without it. Several
    keys can sign a file, one after the other.
    """
    from mnist_exporters.files import sign

    done = sign(file, key)
    echo(str(done))
    paths = [printable(str(path)) for path in done.signatures]
    print(json.dumps(done.as_dict(), indent=2) if as_json else "\n".join(paths))
