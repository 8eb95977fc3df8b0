"""`sign`: sign a proven file with an OpenSSH key, so that devices can check who made it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mnist_exporters.errors import UsageError
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.spec.format import FORMATS, format_of
from mnist_runtime.artifact.container import file_bytes
from mnist_runtime.artifact.signature import (
    MOST_SIGNATURES,
    NAMESPACE,
    is_signature_of,
    key_of,
    signature_path,
    signatures_in,
    ssh_keygen,
)
from mnist_runtime.errors import SignatureError, first_line, printable
from mnist_runtime.system.atomic import atomic_files

__all__ = ["Signed", "sign", "signature_of"]

CERTIFICATE = "-cert-"
"""Part of the key type in a signature by an OpenSSH certificate."""


REASONS = {
    "incorrect passphrase": "its passphrase is wrong or cannot be asked for. Unlock it with ssh-add first",
    "are too open": "others can read it. Run: chmod 600 on it",
    "invalid format": "it is not a key of OpenSSH. Make one with: ssh-keygen -t ed25519 -f KEY",
    "No such file": "it is not a key of OpenSSH. Make one with: ssh-keygen -t ed25519 -f KEY",
    "No private key found": "the agent does not have its private key. Add it with ssh-add, or give the private key",
}
"""Text in the output of ssh-keygen -> what is wrong with the key, and what to do."""


@dataclass(frozen=True)
class Signed:
    """Result of `sign`.

    Parameters
    ----------
    files : tuple of Path
        The files that were signed: one, or the two files of C code.
    signatures : tuple of Path
        The signature files beside them, in the same order.
    signers : int
        Number of signatures in each signature file.
    trusted_line : str
        The line for the list of trusted keys on a device; empty if a certificate signed the file.
    """

    files: tuple[Path, ...]
    signatures: tuple[Path, ...]
    signers: int
    trusted_line: str

    def as_dict(self) -> dict[str, object]:
        """Return the fields as values for JSON."""
        return {
            "files": [str(path) for path in self.files],
            "signatures": [str(path) for path in self.signatures],
            "signers": self.signers,
            "trusted_line": self.trusted_line,
        }

    def __str__(self) -> str:
        line = f"A device trusts this key if its list of trusted keys has the line:\n{self.trusted_line}"
        return printable(f"signed {' and '.join(map(str, self.files))}") + (f"\n{line}" if self.trusted_line else "")


def sign(path: str | Path, key: str | Path) -> Signed:
    """Sign a proven file with an OpenSSH key, and write the signature beside it as ``FILE.sig``.

    Signatures by other keys are kept if they are valid for the present content of the file.

    Parameters
    ----------
    path : str or Path
        A file that ``mnist-export`` made; of C code, one of the two files.
    key : str or Path
        A private key, or the public key of a key in ssh-agent.

    Raises
    ------
    ArtifactError
        If the file is missing, damaged, or without a proof.
    SignatureError
        If an existing ``FILE.sig`` is not a signature file, or already has the maximum number of signatures.
    UsageError
        If the key cannot be used.
    MissingPackageError
        If OpenSSH's ``ssh-keygen`` is not installed.
    """
    path, key = Path(path), Path(key)
    files = _intact_files(path)
    signed = {}
    for file in files:
        content = file_bytes(file)
        new = signature_of(content, key)
        others = [
            block for block in signatures_in(file) if key_of(block) != key_of(new) and is_signature_of(block, content)
        ]
        if len(others) >= MOST_SIGNATURES:
            raise SignatureError(
                f"{signature_path(file)} has {len(others)} signatures already, the most that devices read. Delete it, "
                "and sign again with fewer keys."
            )
        signed[signature_path(file)] = [new, *others]
    with atomic_files(path.parent) as staged:
        for place, blocks in signed.items():
            (staged / place.name).write_bytes(b"".join(blocks))
    return Signed(tuple(files), tuple(signed), len(next(iter(signed.values()))), _trusted_line(new, key))


def _intact_files(path: Path) -> list[Path]:
    """Check the integrity of an export, and return all its files."""
    format = format_of(path)
    artifact = load_plugin(format).open(path)
    if not artifact.manifest.parity:
        raise SignatureError(f"{path} has no proof. Sign a file that mnist-export proved.")
    row = FORMATS[format]
    return [path.with_suffix(suffix) for suffix in (*row.companions, row.suffix)]


def signature_of(content: bytes, key: Path) -> bytes:
    """Return the signature of `content` in OpenSSH's file format.

    Raises
    ------
    UsageError
        If the key cannot be used.
    MissingPackageError
        If OpenSSH's ``ssh-keygen`` is not installed.
    """
    done = ssh_keygen("sign", "-f", key.absolute(), "-n", NAMESPACE, content=content)
    if done.returncode == 0 and is_signature_of(done.stdout, content):
        return done.stdout
    text = done.stderr.decode(errors="replace")
    known = next((reason for words, reason in REASONS.items() if words in text), None)
    raise UsageError(f"{key} cannot sign: {known or first_line(re.sub(r'^@.*$', '', text, flags=re.MULTILINE))}.")


def _trusted_line(signature: bytes, key: Path) -> str:
    """Return a line for the list of trusted keys. The name comes from the public key file beside `key`."""
    kind, public = key_of(signature)
    if CERTIFICATE in kind:
        return ""
    beside = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    comment = beside.read_text("utf-8", "replace").split()[2:] if beside.is_file() else []
    name = comment[0] if len(comment) == 1 and re.fullmatch(r"[\w.@+-]+", comment[0], re.ASCII) else "maker"
    return f'{name} namespaces="{NAMESPACE}" {kind} {public}'
