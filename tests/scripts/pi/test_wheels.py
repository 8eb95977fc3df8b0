"""The wheels that are downloaded for a guest: all that it installs, in the versions of the host."""

import pytest
from packaging.requirements import Requirement

from mnist_runtime import BACKENDS
from mnist_tools.checkout import ROOT
from mnist_tools.pi.targets import TARGETS
from mnist_tools.pi.wheels import wanted

CONSTRAINTS = (ROOT / "constraints.txt").read_text()


@pytest.mark.parametrize("name", TARGETS)
def test_interpreters_have_the_version_of_the_host_and_debian_packages_are_left_out(name: str) -> None:
    row = TARGETS[name]
    sets = [[Requirement(line) for line in requirements] for requirements in wanted(row, CONSTRAINTS)]
    named = {requirement.name for requirements in sets for requirement in requirements}
    packages = {BACKENDS[backend].package for backend in row.backends} | {"numpy", "pillow"}
    assert named == packages - set(row.from_debian)
    for requirement in (requirement for requirements in sets for requirement in requirements):
        if requirement.name not in ("numpy", "pillow"):
            assert f"{requirement.name}{requirement.specifier}" in CONSTRAINTS


def test_only_an_interpreter_built_for_numpy_1_gets_numpy_1() -> None:
    newest, old = wanted(TARGETS["arm64-bookworm"], CONSTRAINTS)
    assert ("numpy" in newest, "numpy<2" in old) == (True, True)
    assert [line.split("==")[0] for line in old] == ["tflite-runtime", "numpy<2", "pillow"]
