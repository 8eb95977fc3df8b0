"""Signatures by real keys of OpenSSH: who signed a file, and every reason to refuse it."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_runtime import (
    Artifact,
    Classifier,
    MissingPackageError,
    SignatureError,
    UsageError,
    self_test,
    verify_signature,
)
from mnist_runtime.artifact.signature import NAMESPACE, key_of, signatures_in
from mnist_runtime.classifier import ready_model

if shutil.which("ssh-keygen") is None:
    pytest.skip("OpenSSH is not installed", allow_module_level=True)

Run = Callable[..., subprocess.CompletedProcess[str]]


def keygen(*words: object, content: bytes = b"") -> bytes:
    return subprocess.run(["ssh-keygen", *map(str, words)], input=content, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the keys of a maker and of a stranger."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("maker", "stranger"):
        keygen("-q", "-t", "ed25519", "-N", "", "-C", f"{name}@example.com", "-f", folder / name)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "cnn int8.tflite"  # a space, since OpenSSH splits lines at spaces
    path.write_bytes(ready_model("tflite"))
    return path


@pytest.fixture
def sign(keys: Path, model: Path) -> Callable[..., None]:
    """Return a function that signs the model with OpenSSH itself, as anybody can."""

    def sign(*names: str, namespace: str = NAMESPACE, content: bytes | None = None) -> None:
        made = [
            keygen("-Y", "sign", "-f", keys / name, "-n", namespace, content=content or model.read_bytes())
            for name in names
        ]
        model.with_name(f"{model.name}.sig").write_bytes(b"".join(made))

    return sign


@pytest.fixture
def trust(keys: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a list of trusted keys."""

    def trust(*names: str, options: str = "") -> Path:
        path = tmp_path / "trusted"
        lines = [f"{name} {options} {(keys / f'{name}.pub').read_text()}" for name in names]
        path.write_text("# those who may sign\n\n" + "".join(lines))
        return path

    return trust


def test_the_signer_of_a_file_is_named(sign: Callable, trust: Callable, model: Path, keys: Path) -> None:
    sign("maker")
    found = verify_signature(model, trust("stranger", "maker"))
    assert (found.signer, found.key_type) == ("maker", "ED25519")
    assert found.fingerprint in keygen("-l", "-f", keys / "maker.pub").decode()


def test_a_signed_file_is_loaded_and_tested(sign: Callable, trust: Callable, model: Path) -> None:
    sign("maker")
    trusted = trust("maker")
    assert Classifier.load(model, backend="numpy", trusted=trusted).manifest.precision == "int8"
    assert self_test(model, backend="numpy", trusted=trusted).passed


def test_one_trusted_signature_of_several_is_enough(sign: Callable, trust: Callable, model: Path) -> None:
    sign("stranger", "maker")
    assert verify_signature(model, trust("maker")).signer == "maker"


def test_a_later_line_of_the_same_key_counts(sign: Callable, trust: Callable, model: Path, keys: Path) -> None:
    sign("maker")
    public = (keys / "maker.pub").read_text()
    trusted = trust("stranger")
    trusted.write_text(f'ann namespaces="git" {public}bob {public}')
    assert verify_signature(model, trusted).signer == "bob"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('valid-before="20200101"', "the key has expired"),
        ('valid-after="20990101"', "not valid yet, or the clock"),
        ('namespaces="git"', "does not have the namespace mnist-edge-export"),
        ("nonsense", "its line is wrong"),
    ],
)
def test_a_key_that_is_listed_but_not_allowed(
    sign: Callable, trust: Callable, model: Path, options: str, words: str
) -> None:
    sign("maker")
    with pytest.raises(SignatureError, match=f"does not allow it: .*{words}"):
        verify_signature(model, trust("maker", options=options))


def test_a_key_that_is_not_listed(sign: Callable, trust: Callable, model: Path) -> None:
    sign("stranger")
    with pytest.raises(SignatureError, match=r"signed by the ED25519 key SHA256:\S+, which is not in "):
        verify_signature(model, trust("maker"))


def test_a_changed_file_is_refused_before_it_is_read(sign: Callable, trust: Callable, model: Path) -> None:
    sign("maker")
    model.write_bytes(ready_model("onnx"))  # complete, with a valid digest, but another file
    Artifact.open(model)
    for load in (Artifact.open, lambda path, trusted: Classifier.load(path, trusted=trusted)):
        with pytest.raises(SignatureError, match="changed after it was signed"):
            load(model, trusted=trust("maker"))


def test_a_signature_for_another_purpose(sign: Callable, trust: Callable, model: Path) -> None:
    sign("maker", namespace="git")
    with pytest.raises(SignatureError, match="for another purpose"):
        verify_signature(model, trust("maker"))


@pytest.mark.parametrize("name", ["J\u00f6rg".encode("latin-1"), "J\u00f6rg".encode(), b"-x", b"ma\0ker"])
def test_names_that_are_no_plain_text(sign: Callable, trust: Callable, model: Path, keys: Path, name: bytes) -> None:
    sign("maker")
    trusted = trust("maker")
    trusted.write_bytes(name + b" " + (keys / "maker.pub").read_bytes())
    if b"\0" in name:
        with pytest.raises(SignatureError, match="does not allow it"):
            verify_signature(model, trusted)
    else:
        assert os.fsencode(verify_signature(model, trusted).signer) == name


def test_a_line_that_is_commented_out(sign: Callable, trust: Callable, model: Path, keys: Path) -> None:
    sign("maker")
    trusted = trust("stranger")
    trusted.write_text(trusted.read_text() + f"# maker {(keys / 'maker.pub').read_text()}")
    with pytest.raises(SignatureError, match="which is not in"):
        verify_signature(model, trusted)


def test_lines_that_end_as_those_of_windows(sign: Callable, trust: Callable, model: Path) -> None:
    sign("stranger", "maker")
    place = model.with_name(f"{model.name}.sig")
    place.write_bytes(place.read_bytes().replace(b"\n", b"\r\n"))
    assert verify_signature(model, trust("maker")).signer == "maker"


def test_a_certificate_of_a_trusted_key(sign: Callable, trust: Callable, model: Path, keys: Path) -> None:
    trusted = trust("maker", options="cert-authority")
    for period, words in (("+1d", ""), ("20200101:20200102", "its certificate has expired")):
        keygen("-q", "-s", keys / "maker", "-I", "id", "-n", "maker", "-V", period, keys / "stranger.pub")
        shutil.copyfile(keys / "stranger", keys / "stranger-cert")
        (keys / "stranger-cert").chmod(0o600)
        sign("stranger-cert.pub")
        if words:
            with pytest.raises(SignatureError, match=f"does not allow it: {words}"):
                verify_signature(model, trusted)
        else:
            assert verify_signature(model, trusted).signer == "maker"


def test_a_name_that_leaves_no_room_for_the_suffix(trust: Callable, model: Path) -> None:
    long = model.with_name("a" * 245 + ".tflite")
    long.write_bytes(model.read_bytes())
    with pytest.raises(SignatureError, match="is not signed"):
        verify_signature(long, trust("maker"))


def test_a_file_without_a_signature(trust: Callable, model: Path) -> None:
    with pytest.raises(SignatureError, match=r"is not signed: there is no cnn int8\.tflite\.sig"):
        verify_signature(model, trust("maker"))
    with pytest.raises(UsageError, match="ready model is a part of mnist-runtime"):
        Classifier.load(trusted=trust("maker"))


BLANK = b"-----BEGIN SSH SIGNATURE-----" + b" " * 65_000
"""A search that tries each division of the blanks would take minutes."""


@pytest.mark.parametrize("content", [b"", b"nothing", bytes(1 << 17), b"folder", BLANK], ids=len)
def test_a_file_that_is_no_signature(trust: Callable, model: Path, content: bytes) -> None:
    place = model.with_name(f"{model.name}.sig")
    if content == b"folder":
        place.mkdir()
    else:
        place.write_bytes(content)
    with pytest.raises(SignatureError, match=r"no signature of OpenSSH.* Remove it"):
        verify_signature(model, trust("maker"))


@given(damage=st.integers(0, 1000), byte=st.binary(min_size=1, max_size=1))
def test_a_damaged_signature_has_another_error_or_the_key(keys: Path, damage: int, byte: bytes) -> None:
    whole = keygen("-Y", "sign", "-f", keys / "maker", "-n", NAMESPACE, content=b"x") if damage == 0 else SIGNATURE
    place = damage % len(whole)
    try:
        kind, public = key_of(whole[:place] + byte + whole[place + 1 :])
    except SignatureError:
        return
    assert kind.isascii()
    assert public


SIGNATURE = b"""-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AAAAAAAAAAAAAAAAAABGZpbGUAAAAAAAAABnNoYTUxMgAAAFMAAAALc3NoLWVkMjU1MTkAAABA
-----END SSH SIGNATURE-----
"""


def block(blob: bytes) -> bytes:
    lines = (b"-----BEGIN SSH SIGNATURE-----", base64.b64encode(blob), b"-----END SSH SIGNATURE-----")
    return b"\n".join([*lines, b""])


def text(*parts: bytes) -> bytes:
    """Encode a string as OpenSSH does, with its length in front."""
    whole = b"".join(parts)
    return len(whole).to_bytes(4, "big") + whole


def test_a_block_of_another_kind_is_damaged() -> None:
    key = text(b"ssh-ed25519") + text(bytes(32))
    assert key_of(block(b"SSHSIG\0\0\0\1" + text(key))) == ("ssh-ed25519", base64.b64encode(key).decode())
    for blob in (b"", b"SSHPIG\0\0\0\1" + text(key), b"SSHSIG\0\0\0\1" + text(), b"SSHSIG\0\0\0\1" + text(text())):
        with pytest.raises(SignatureError, match="A signature is damaged"):
            key_of(block(blob))


def test_a_file_of_too_many_signatures_or_too_many_bytes_is_refused(tmp_path: Path) -> None:
    file, signatures = tmp_path / "cnn.tflite", tmp_path / "cnn.tflite.sig"
    signatures.write_bytes(block(b"one") * 8)
    assert signatures_in(file) == [block(b"one")] * 8
    for content in (block(b"one") * 9, block(b"one") + b"\n" * (1 << 16)):
        signatures.write_bytes(content)
        with pytest.raises(SignatureError, match="has no signature of OpenSSH, or too many"):
            signatures_in(file)


def test_what_is_no_list_of_keys(sign: Callable, model: Path, keys: Path, tmp_path: Path) -> None:
    sign("maker")
    (tmp_path / "empty").write_text("# nobody\n")
    (tmp_path / "utf16").write_text("me ssh-ed25519 AAAA\n", encoding="utf-16")
    for path, words in (
        (tmp_path / "missing", "no list of trusted keys"),
        (tmp_path, "no list of trusted keys"),
        (tmp_path / "empty", "lists no key"),
        (tmp_path / "utf16", "Save it as UTF-8"),
        (keys / "maker.pub", "is a key, not a list"),
        (keys / "maker", "is a key, not a list"),
    ):
        with pytest.raises(UsageError, match=words):
            verify_signature(model, path)


def test_openssh_is_missing_or_old(
    sign: Callable, trust: Callable, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign("maker")
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(MissingPackageError, match="sudo apt install openssh-client"):
        verify_signature(model, trust("maker"))
    (programs / "ssh-keygen").write_text('#!/bin/sh\necho "unknown option -- Y" >&2\nexit 1\n')  # as of 2019
    (programs / "ssh-keygen").chmod(0o755)
    with pytest.raises(MissingPackageError, match=r"OpenSSH 8\.2"):
        verify_signature(model, trust("maker"))
    (programs / "ssh-keygen").write_bytes(b"\x7fELF of another processor")
    with pytest.raises(MissingPackageError, match=r"cannot be started \(Exec format error\)"):
        verify_signature(model, trust("maker"))


def test_the_command(run: Run, sign: Callable, trust: Callable, model: Path) -> None:
    sign("maker")
    done = run("mnist-runtime", "verify", model, "--trusted", trust("maker"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{model}: signed by maker (ED25519 SHA256:")
    other = model.with_name("net.c")  # what a signature says of a file does not depend on its kind
    for suffix in ("", ".sig"):
        shutil.copy(f"{model}{suffix}", f"{other}{suffix}")
    files = (model, model.with_name("missing.c"), other)
    done = run("mnist-runtime", "verify", *files, "--trusted", trust("maker"), "--json")
    facts, others = json.loads(done.stdout)["results"]
    assert ("model" in others, others["signer"]) == (False, "maker")
    assert (done.returncode, facts["signer"], facts["model"], facts["precision"]) == (5, "maker", "cnn", "int8")
    assert "missing.c" in done.stderr


def test_other_commands_refuse_a_file_of_a_stranger(run: Run, sign: Callable, trust: Callable, model: Path) -> None:
    sign("stranger")
    for words in (("classify", "x.png", "--model", model), ("self-test", model)):
        done = run("mnist-runtime", *words, "--trusted", trust("maker"))
        assert (done.returncode, done.stdout) == (5, "")
        assert "which is not in" in done.stderr
