"""`verify_signature`: prove with OpenSSH who signed a file. The digest inside a file proves only that it is complete.

A signature is beside its file, as ``ssh-keygen -Y sign`` writes it: ``cnn-int8.tflite.sig`` for ``cnn-int8.tflite``. It
covers every byte of the file. There may be several, one after the other; one by a trusted key is enough.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mnist_runtime.artifact.container import file_bytes
from mnist_runtime.errors import MissingPackageError, SignatureError, UsageError, first_line, raise_machine_failure

__all__ = [
    "NAMESPACE",
    "Signature",
    "check_signature",
    "is_signature_of",
    "key_of",
    "signature_path",
    "signatures_in",
    "ssh_keygen",
    "verify_signature",
]

NAMESPACE = "mnist-edge-export"
"""Namespace for OpenSSH, so that signatures that the same key made for git or e-mail are not accepted."""

LARGEST = 1 << 16
"""Most bytes of a file of signatures; one has about 600."""
MOST_SIGNATURES = 8
PATIENCE = 120.0
"""Seconds for OpenSSH; a hardware key waits for a touch."""

BLOCK = re.compile(rb"-----BEGIN SSH SIGNATURE-----([A-Za-z0-9+/=\s]+)-----END SSH SIGNATURE-----")
"""One signature. No byte fits two parts of the pattern, so a hostile file cannot make the search slow."""
GOOD = re.compile(r"with (\S+) key (\S+)")
PUBLIC_KEY = re.compile(rb"\s*(ssh-|ecdsa-|sk-)[\w@.-]+ ")
MAGIC = b"SSHSIG"


@dataclass(frozen=True)
class Signature:
    """A signature by a trusted key.

    Parameters
    ----------
    signer : str
        Name of the key in the list of trusted keys.
    key_type : str
        Kind of the key, such as ``"ED25519"``.
    fingerprint : str
        SHA-256 of the public key, as ``ssh-keygen -l`` prints it.
    """

    signer: str
    key_type: str
    fingerprint: str

    def __str__(self) -> str:
        return f"signed by {self.signer} ({self.key_type} {self.fingerprint})"


def verify_signature(path: str | Path, trusted: str | Path) -> Signature:
    """Check that a trusted key signed the file at `path`; its signature is beside it.

    Parameters
    ----------
    path : str or Path
        Any file that ``mnist-export`` made.
    trusted : str or Path
        List of trusted keys, in OpenSSH's form ``allowed_signers``: a name, options and a public key in each line.

    Raises
    ------
    SignatureError
        If there is no signature, it is not by a trusted key, the key has expired, or the file was changed.
    ArtifactError
        If the file cannot be read.
    UsageError
        If `trusted` is not such a list.
    MissingPackageError
        If OpenSSH's ``ssh-keygen`` is not installed.
    """
    return check_signature(file_bytes(Path(path)), Path(path), trusted)


def check_signature(content: bytes, path: Path, trusted: str | Path) -> Signature:
    """Check that a signature beside `path` is of `content`, the bytes of that file; see `verify_signature`."""
    keys = _trusted_keys(Path(trusted))
    blocks = signatures_in(path)
    if not blocks:
        raise SignatureError(
            f"{path} is not signed: there is no {signature_path(path).name} beside it. Copy the signature too, or sign "
            "the file: mnist-export sign FILE --key KEY"
        )
    failures = []
    for block in blocks:
        with _as_file(block) as file:
            found = _verified(content, block, file, Path(trusted), keys)
        if isinstance(found, Signature):
            return found
        failures.append(found)
    raise SignatureError(f"{path}: {' '.join(dict.fromkeys(failures))}")


def signature_path(path: Path) -> Path:
    """Return the path of the signatures of the file at `path`."""
    return path.with_name(f"{path.name}.sig")


def signatures_in(path: Path) -> list[bytes]:
    """Return the signatures beside `path`, each with its first and last line; none if there is no file.

    Raises
    ------
    SignatureError
        If the file has no signatures, or too many.
    """
    place = signature_path(path)
    try:
        facts = place.stat()
    except OSError:  # there is none, or its name would be too long
        return []
    content = file_bytes(place) if stat.S_ISREG(facts.st_mode) and facts.st_size <= LARGEST else b""
    # A copy may have the line ends of Windows, which OpenSSH rejects.
    blocks = [found[0].replace(b"\r", b"") + b"\n" for found in BLOCK.finditer(content)]
    if not 1 <= len(blocks) <= MOST_SIGNATURES:
        raise SignatureError(f"{place} has no signature of OpenSSH, or too many. Remove it and sign the file again.")
    return blocks


def key_of(signature: bytes) -> tuple[str, str]:
    """Return the type of the public key in a signature, such as ``ssh-ed25519``, and the key in base64.

    Raises
    ------
    SignatureError
        If it is damaged. The format is OpenSSH's ``PROTOCOL.sshsig``.
    """
    found = BLOCK.fullmatch(signature.strip())
    try:
        blob = base64.b64decode(re.sub(rb"\s", b"", found[1]) if found else b"", validate=True)
        if blob[:6] != MAGIC:
            raise ValueError("no SSHSIG")
        key = _string(blob, len(MAGIC) + 4)
        return _string(key, 0).decode("ascii"), base64.b64encode(key).decode()
    except (ValueError, binascii.Error) as error:
        raise SignatureError("A signature is damaged. Remove the .sig file and sign the file again.") from error


def _string(blob: bytes, start: int) -> bytes:
    """Return a string of OpenSSH's encoding: four bytes for its length, then its bytes."""
    length = int.from_bytes(blob[start : start + 4], "big")
    found = blob[start + 4 : start + 4 + length]
    if not 0 < length == len(found):
        raise ValueError("a length is wrong")
    return found


def is_signature_of(signature: bytes, content: bytes) -> bool:
    """Return whether a signature, by any key, is of `content`."""
    with _as_file(signature) as file:
        return ssh_keygen("check-novalidate", "-n", NAMESPACE, "-s", file, content=content).returncode == 0


def ssh_keygen(*words: object, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run ``ssh-keygen -Y`` with the arguments `words` and the input `content`.

    Raises
    ------
    MissingPackageError
        If it is not installed, or is older than OpenSSH 8.2 (2020).
    SignatureError
        If it does not end in time.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        raise MissingPackageError("Signatures need ssh-keygen. Install it with: sudo apt install openssh-client")
    line = [program, "-Y", *map(str, words)]
    try:
        done = subprocess.run(
            line, input=content, capture_output=True, check=False, timeout=PATIENCE, env={**os.environ, "LC_ALL": "C"}
        )
    except subprocess.TimeoutExpired as error:
        raise SignatureError("ssh-keygen does not end. Unlock the key with ssh-add first.") from error
    except OSError as error:
        raise_machine_failure(error)
        raise MissingPackageError(
            f"{program} cannot be started ({error.strerror}). Install openssh-client again."
        ) from error
    if done.returncode and re.search(rb"(unknown|illegal|invalid) option|Unsupported operation", done.stderr):
        raise MissingPackageError("Signatures need OpenSSH 8.2 or newer. Install a newer openssh-client.")
    return done


def _verified(content: bytes, block: bytes, file: Path, trusted: Path, keys: bytes) -> Signature | str:
    """Check one signature; return it, or what is wrong if it is not by a trusted key."""
    checked = ssh_keygen("check-novalidate", "-n", NAMESPACE, "-s", file, content=content)
    match = GOOD.search(checked.stdout.decode(errors="replace"))
    if checked.returncode or not match:
        if b"namespace" in checked.stderr:
            return f"Its signature is for another purpose, not for {NAMESPACE}. Sign it with mnist-export sign."
        return "It was changed after it was signed, or the signature is of another file. Copy both again."
    name = f"the {match[1]} key {match[2]}"
    found = ssh_keygen("find-principals", "-s", file, "-f", trusted.absolute())
    # It prints the names of the first matching line only, which may not allow this namespace.
    key = key_of(block)[1].encode()
    listed = [line for line in keys.splitlines() if key in line and not line.lstrip().startswith(b"#")]
    names = [*found.stdout.splitlines(), *(name for line in listed for name in line.split()[0].split(b","))]
    error = found.stderr
    for signer in dict.fromkeys(os.fsdecode(each) for each in names if b"\0" not in each):
        words = ("verify", "-f", trusted.absolute(), "-I", signer, "-n", NAMESPACE, "-s", file)
        done = ssh_keygen(*words, content=content)
        if done.returncode == 0:
            return Signature(signer, match[1], match[2])
        error += done.stderr
    if listed or b"no valid principals" in error:  # the certificate of a key that is listed
        return f"It is signed by {name}, but {trusted} does not allow it: {_reason(error)}."
    return f"It is signed by {name}, which is not in {trusted}. Add the key if you trust it."


REASONS = {
    "expired": "the key has expired",
    "not yet valid": "the key is not valid yet, or the clock of this device is wrong",
    "no valid principals": "its certificate has expired, is not valid yet, or is for other names",
    "not permitted": f"its line does not have the namespace {NAMESPACE}",
}
"""Part of ssh-keygen's message -> why a listed key is not accepted."""


def _reason(error: bytes) -> str:
    text = error.decode(errors="replace")
    return next(
        (reason for words, reason in REASONS.items() if words in text), f"its line is wrong ({first_line(text)})"
    )


def _trusted_keys(path: Path) -> bytes:
    """Return the content of a list of trusted keys."""
    try:
        if not path.is_file():
            raise UsageError(f"There is no list of trusted keys at {path}. Check the path of --trusted.")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Check the path of --trusted.") from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UsageError(f"{path} is not UTF-8 text; PowerShell's > writes UTF-16. Save it as UTF-8.")
    lines = [line for line in content.splitlines() if line.strip() and not line.lstrip().startswith(b"#")]
    if not lines:
        raise UsageError(f"{path} lists no key. Write a line for each key: NAME ssh-ed25519 AAAA...")
    if PUBLIC_KEY.match(lines[0]) or lines[0].startswith(b"-----BEGIN"):
        raise UsageError(
            f'{path} is a key, not a list of trusted keys. Write the list: echo "NAME $(cat KEY.pub)" > trusted'
        )
    return content


@contextmanager
def _as_file(block: bytes) -> Iterator[Path]:
    """Yield a temporary file with a signature: ssh-keygen reads it from files only."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "signature")
        place.write_bytes(block)
        yield place
