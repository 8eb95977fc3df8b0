"""`sign` signs what is proven, keeps the signatures of others, and says what is wrong with a key."""

import dataclasses
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_exporters import sign
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import Artifact, ArtifactError, Golden, SignatureError, UsageError, verify_signature
from mnist_runtime.artifact.signature import MOST_SIGNATURES
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_runtime.classifier import ready_model

if shutil.which("ssh-keygen") is None:
    pytest.skip("OpenSSH is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name, phrase in (("ann", ""), ("bob", ""), ("locked", "a phrase")):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", phrase, "-C", f"{name}@example.com", "-f", folder / name]
        subprocess.run(words, check=True)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "cnn-int8.tflite"
    path.write_bytes(ready_model("tflite"))
    return path


def test_the_line_that_is_shown_makes_a_device_trust_the_key(model: Path, keys: Path, tmp_path: Path) -> None:
    before = model.read_bytes()
    done = sign(model, keys / "ann")
    assert (done.files, done.signatures) == ((model,), (model.with_name(f"{model.name}.sig"),))
    assert model.read_bytes() == before
    (tmp_path / "trusted").write_text(f"{done.trusted_line}\n")
    assert done.trusted_line in str(done)
    assert verify_signature(model, tmp_path / "trusted").signer == "ann@example.com"


def test_openssh_itself_verifies_the_signature(model: Path, keys: Path, tmp_path: Path) -> None:
    (tmp_path / "trusted").write_text(sign(model, keys / "ann").trusted_line)
    words = ["ssh-keygen", "-Y", "verify", "-f", "trusted", "-I", "ann@example.com", "-n", "mnist-edge-export", "-s"]
    with model.open("rb") as content:
        done = subprocess.run(
            [*words, f"{model.name}.sig"], stdin=content, cwd=tmp_path, capture_output=True, check=False
        )
    assert done.returncode == 0, done.stderr


def test_several_keys_sign_a_file_and_old_signatures_go(model: Path, keys: Path, tmp_path: Path) -> None:
    lines = {name: sign(model, keys / name).trusted_line for name in ("ann", "bob", "ann")}
    assert sign(model, keys / "bob").signers == 2
    for name, line in lines.items():
        (tmp_path / "trusted").write_text(line)
        assert verify_signature(model, tmp_path / "trusted").signer == f"{name}@example.com"
    content = model.read_bytes()
    body = content[:5000] + bytes([content[5000] ^ 1]) + content[5001:-64]
    model.write_bytes(body + hashlib.sha256(body).hexdigest().encode())  # another export under the same name
    assert sign(model, keys / "bob").signers == 1  # that of ann was of the file before


def make_key(path: Path, comment: str) -> Path:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]
    subprocess.run(words, check=True)
    return path


@pytest.mark.long
def test_no_more_keys_sign_a_file_than_devices_read(model: Path, tmp_path: Path) -> None:
    keys = [make_key(tmp_path / f"key{number}", "me") for number in range(MOST_SIGNATURES + 1)]
    for number, key in enumerate(keys[:-1], 1):
        done = sign(model, key)
        assert done.signers == number
    (tmp_path / "trusted").write_text(done.trusted_line)
    verify_signature(model, tmp_path / "trusted")
    before = done.signatures[0].read_bytes()
    with pytest.raises(SignatureError, match=f"has {MOST_SIGNATURES} signatures already, the most that devices read"):
        sign(model, keys[-1])
    assert done.signatures[0].read_bytes() == before
    assert sign(model, keys[0]).signers == MOST_SIGNATURES, "a key may sign again"


@pytest.mark.parametrize("comment", ["", "*", "!ann", "ann,bob", "ann cert-authority", "Ann Lee", "Änn", '"ann"'])
def test_a_comment_that_is_no_plain_name_is_not_in_the_list_of_trusted_keys(
    comment: str, model: Path, tmp_path: Path
) -> None:
    """There it would be a pattern, a list or an option."""
    line = sign(model, make_key(tmp_path / "key", comment)).trusted_line
    assert line.startswith('maker namespaces="mnist-edge-export" ssh-ed25519 AAAA')
    (tmp_path / "trusted").write_text(line)
    assert verify_signature(model, tmp_path / "trusted").signer == "maker"


def test_a_certificate_needs_no_line_of_its_own(model: Path, keys: Path, tmp_path: Path) -> None:
    """A device trusts the key that made the certificate."""
    key = make_key(tmp_path / "worker", "worker")
    words = ["ssh-keygen", "-q", "-s", keys / "ann", "-I", "worker", "-n", "worker", key.with_name("worker.pub")]
    subprocess.run(words, check=True)
    shutil.copy(key, tmp_path / "worker-cert")
    done = sign(model, tmp_path / "worker-cert.pub")
    assert (done.signers, done.trusted_line) == (1, "")
    assert str(done) == f"signed {model}"


def test_both_files_of_c_code_are_signed(keys: Path, tmp_path: Path) -> None:
    ready = Artifact.from_bytes(ready_model("tflite"))
    images = ready.golden.images
    golden = Golden(images, load_numpy(ready.content, (28, 28, 1)).run(images[..., None]))
    for suffix, content in load_plugin("c").pack(ready.content, ready.manifest, golden, "digits").items():
        (tmp_path / f"digits{suffix}").write_bytes(content)
    done = sign(tmp_path / "digits.h", keys / "ann")
    assert {each.name for each in done.files} == {"digits.h", "digits.c"}
    (tmp_path / "trusted").write_text(done.trusted_line)
    for file in done.files:
        verify_signature(file, tmp_path / "trusted")
        file.write_text(file.read_text() + "\n")
        with pytest.raises(SignatureError, match="changed after it was signed"):
            verify_signature(file, tmp_path / "trusted")


def test_a_file_without_a_proof_is_not_signed(model: Path, keys: Path) -> None:
    ready = Artifact.from_bytes(ready_model("tflite"))
    manifest = dataclasses.replace(ready.manifest, parity=None)
    bare = ready.content[: ready.content.index(b"PK\x03\x04")]
    model.write_bytes(load_plugin("tflite").pack(bare, manifest, ready.golden, model.stem)[".tflite"])
    with pytest.raises(SignatureError, match="has no proof"):
        sign(model, keys / "ann")


def test_a_damaged_file_is_not_signed(model: Path, keys: Path) -> None:
    model.write_bytes(model.read_bytes()[:-100])
    with pytest.raises(ArtifactError, match="SHA-256"):
        sign(model, keys / "ann")
    assert not model.with_name(f"{model.name}.sig").exists()


def test_a_key_that_cannot_sign(model: Path, keys: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key")
    shutil.copy(keys / "ann", tmp_path / "open")
    (tmp_path / "open").chmod(0o644)
    shutil.copy(keys / "ann.pub", tmp_path / "alone.pub")
    for path, words in (
        (keys / "locked", "passphrase"),
        (tmp_path / "text", "not a key of OpenSSH"),
        (tmp_path / "open", "chmod 600"),
        (tmp_path / "alone.pub", "ssh-add"),
    ):
        with pytest.raises(UsageError, match=f"{path.name} cannot sign: .*{words}"):
            sign(model, path)


def test_the_command(here: Callable[..., object], model: Path, keys: Path) -> None:
    done = here("mnist-export", "sign", model, "--key", keys / "ann")
    assert (done.returncode, done.stdout) == (0, f"{model}.sig\n")
    assert 'ann@example.com namespaces="mnist-edge-export" ssh-ed25519 AAAA' in done.stderr
    done = here("mnist-export", "sign", model, "--key", keys / "bob", "--json")
    assert json.loads(done.stdout)["signers"] == 2
    done = here("mnist-export", "sign", model, "--key", keys / "missing")
    assert (done.returncode, done.stdout) == (2, "")
