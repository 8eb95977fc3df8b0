"""The steps that the workstation can request: facts, deploy, rollback and measure."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, BinaryIO

from mnist_exporters.targets.deployment.there.environments import environment
from mnist_exporters.targets.deployment.there.facts import facts
from mnist_exporters.targets.deployment.there.service import Service, linger_note, unit_text
from mnist_exporters.targets.deployment.there.talk import StepError, explained, require_connection, run, send
from mnist_exporters.targets.deployment.there.versions import Versions

__all__ = ["main"]

Request = dict[str, Any]
Files = dict[str, bytes]


def main(stream: BinaryIO) -> None:
    """Read a request and its files from `stream`, run the step, and send the result or the error."""
    request: Request = json.loads(stream.readline())
    files = {each["name"]: stream.read(each["size"]) for each in request["files"]}
    folder = Path.home() / request["folder"]
    try:
        for each in request["files"]:
            if hashlib.sha256(files[each["name"]]).hexdigest() != each["sha256"]:
                raise StepError("The connection was lost while files were copied.")
        match request["step"]:
            case "facts":
                done = facts(folder, request["modules"])
            case "deploy":
                done = deploy(folder, request, files)
            case "rollback":
                done = rollback(folder, request)
            case _:
                done = measure(folder, request, files)
    except Exception as error:  # the workstation prints the message instead of a traceback
        failure = explained(error, folder)
        kept = Versions(folder).described("current") if request["step"] in ("deploy", "rollback") else None
        still = f" Version {kept['version']} runs as before." if kept else ""
        send("failed", {"words": failure.words + still, "kind": failure.kind})
    else:
        send("done", done)


def deploy(folder: Path, request: Request, files: Files) -> dict[str, Any]:
    """Install a version, test it, and switch to it."""
    versions, service = Versions(folder), Service(folder)
    model = request["model"]
    with versions.locked():
        previous = versions.described("current")
        venv = _environment(folder, request, files)
        with versions.staging(venv) as staged:
            for name in (model, f"{model}.sig"):
                if model and name in files:
                    (staged / name).write_bytes(files[name])
            test = _json_of(staged, "self-test", *filter(None, [model]), fails="The self-test fails on {device}: ")
            send("progress", f"self-test: {test['images'] - test['different']} of {test['images']} answers as recorded")
            arguments = request["service"]
            if arguments is None and previous and service.is_installed:
                arguments = previous["service"]
            require_connection()
            number = versions.add(staged, {"model": model, "service": arguments or [], **request["facts"]})
        try:
            _switch(folder, versions, service, number, request["steady_s"])
        except BaseException:
            versions.prune()
            raise
        if previous:
            versions.point("previous", previous["version"])
        versions.prune()
        notes = [note for note in (linger_note() if arguments else "",) if note]
    return _result(folder, previous, test, service, notes)


def rollback(folder: Path, request: Request) -> dict[str, Any]:
    """Return to the previous version."""
    versions, service = Versions(folder), Service(folder)
    if not versions.described("previous"):
        raise StepError(f"There is no version before the current one in {folder} on {{device}}. Deploy a file instead.")
    with versions.locked():
        replaced, wanted = versions.described("current"), versions.described("previous")
        assert wanted
        model = wanted["model"]
        test = _json_of(
            folder / "previous", "self-test", *filter(None, [model]), fails="The previous version fails on {device}: "
        )
        _switch(folder, versions, service, wanted["version"], request["steady_s"])
        versions.point("previous", replaced["version"] if replaced else None)
    return _result(folder, replaced, test, service, [])


def measure(folder: Path, request: Request, files: Files) -> dict[str, Any]:
    """Run the benchmark and the self-test of each file. The installed versions do not change."""
    versions = Versions(folder)
    found = []
    with versions.locked():
        venv = _environment(folder, request, files)
        with versions.staging(venv) as staged:
            for name, shown in request["models"].items():
                (staged / name).write_bytes(files[name])
                send("progress", f"measuring {shown} there ...")
                try:
                    test = _json_of(staged, "self-test", name, fails="The self-test fails there: ")
                    bench = _json_of(staged, "bench", name, "--quick")
                except StepError as failure:
                    found.append({"name": name, "failure": failure.words})
                else:
                    found.append({"name": name, "self_test": test, "bench": bench})
    return {"files": found}


def _environment(folder: Path, request: Request, files: Files) -> Path:
    """Return the environment of the request, which is created if needed. The wheel is in a temporary folder."""
    wheel = folder / ".wheel" / request["wheel"]
    wheel.parent.mkdir(exist_ok=True)
    try:
        wheel.write_bytes(files[request["wheel"]])
        return environment(folder, request["key"], wheel, request["extras"], from_system=request["from_system"])
    finally:
        shutil.rmtree(wheel.parent, ignore_errors=True)


def _json_of(place: Path, *words: str, fails: str = "") -> dict[str, Any]:
    """Run mnist-runtime in a version, and return its JSON. If it fails, raise `StepError` with its message."""
    code, printed = run([place / "venv" / "bin" / "mnist-runtime", *words, "--json"], cwd=place)
    start = printed.find("{")
    if code == 0 and start >= 0:
        found: dict[str, Any] = json.JSONDecoder().raw_decode(printed[start:])[0]
        return found
    errors = [line for line in printed.splitlines() if line.startswith("error: ")]
    reason = errors[-1].removeprefix("error: ") if errors else f"it ends with exit code {code}"
    raise StepError(f"{fails}{reason.rstrip('.')}.", "model")


def _switch(folder: Path, versions: Versions, service: Service, number: str, steady_s: float) -> None:
    """Make a version the current one and start its service. If that fails, switch back to the earlier version."""
    previous = versions.described("current")
    text = service.file.read_text() if service.is_installed else None
    versions.point("current", number)
    try:
        _serve(folder, versions, service, steady_s)
    except BaseException:
        versions.point("current", previous["version"] if previous else None)
        with contextlib.suppress(StepError):  # the first error is reported
            if text is None:
                service.remove()
            else:
                service.start(text, 0.0)
        raise


def _serve(folder: Path, versions: Versions, service: Service, steady_s: float) -> None:
    """Start the service of the current version; if the version has none, remove the service."""
    current = versions.described("current")
    assert current
    if current["service"]:
        service.start(unit_text(folder, current["service"], current["model"]), steady_s)
    else:
        service.remove()


def _result(
    folder: Path, previous: dict[str, Any] | None, test: dict[str, Any], service: Service, notes: list[str]
) -> dict[str, Any]:
    current = Versions(folder).described("current") or {}
    return {
        "version": current["version"],
        "previous": previous["version"] if previous else None,
        "folder": str(folder),
        "model": str(folder / "current" / current["model"]) if current["model"] else "",
        "program": str(folder / "current" / "venv" / "bin" / "mnist-runtime"),
        "service": service.name if current["service"] else "",
        "self_test": test,
        "notes": notes,
    }
