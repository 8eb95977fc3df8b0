"""The check of what ``mnist-runtime doctor`` reports in a guest."""

import pytest

from mnist_runtime import BACKENDS
from mnist_tools.pi.emulator.guest import GuestError
from mnist_tools.pi.targets import PAIRS, TARGETS
from mnist_tools.pi.trial import fields, require_diagnoses


def diagnoses(target: str, backend: str) -> list[dict[str, str]]:
    """Return the correct report in `target` if `backend` is installed, from the runtime's own table."""
    row = TARGETS[target]
    found = []
    for name in BACKENDS:
        if name in (backend, "numpy") or BACKENDS[name].package in row.from_debian:
            found.append({"backend": name, "state": "works", "detail": f"{name} 1.0 {row.machine}", "fix": ""})
            continue
        is_64_bit = row.architecture == "arm64"
        reason = BACKENDS[name].no_wheel_reason(machine=row.machine, python=row.python, is_64_bit=is_64_bit)
        fix = reason or BACKENDS[name].install_command
        found.append({"backend": name, "state": "missing", "detail": "not installed", "fix": fix})
    return found


@pytest.mark.parametrize(("target", "backend"), PAIRS)
def test_correct_reports_pass_and_each_wrong_one_fails(target: str, backend: str) -> None:
    found = diagnoses(target, backend)
    require_diagnoses(target, backend, found)
    for number, one in enumerate(found):
        others = [{"state": "broken"}]
        if BACKENDS[one["backend"]].extra:
            others.append({"state": "works" if one["state"] == "missing" else "missing"})
        if one["state"] == "missing":
            others.append({"fix": "pip install x" if one["fix"].startswith("no wheel") else "no wheel"})
        for other in others:
            wrong = [*found[:number], {**one, **other}, *found[number + 1 :]]
            with pytest.raises(GuestError, match=f"The doctor should report {one['backend']} as"):
                require_diagnoses(target, backend, wrong)


def test_a_missing_and_another_field_are_found() -> None:
    whole = {"machine": {"board": "", "cores": 4}, "measurements": [{"one_image": {"p50_us": 1.0}}], "notes": []}
    assert fields(whole) == fields({**whole, "machine": {"board": "Pi", "cores": None}})
    assert fields(whole) - fields({**whole, "machine": {"board": ""}}) == {".machine.cores"}
    assert fields({**whole, "measurements": [{"one_image": {}}]}) ^ fields(whole) == {".measurements.one_image.p50_us"}
