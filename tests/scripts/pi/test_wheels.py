"""What is downloaded for a guest is what its pip will need, and in versions that can be compared."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mnist_runtime import BACKENDS
from mnist_tools.pi.targets import TARGETS
from mnist_tools.pi.wheels import wanted

CONSTRAINTS = (Path(__file__).parents[3] / "constraints.txt").read_text()


@pytest.mark.parametrize("name", TARGETS)
def test_every_interpreter_comes_in_the_host_s_version_and_only_what_debian_lacks(name: str) -> None:
    row = TARGETS[name]
    sets = [[Requirement(line) for line in requirements] for requirements in wanted(row, CONSTRAINTS)]
    named = {requirement.name for requirements in sets for requirement in requirements}
    packages = {BACKENDS[backend].package for backend in row.backends} | {"numpy", "pillow"}
    assert named == packages - set(row.from_debian)
    for requirement in (requirement for requirements in sets for requirement in requirements):
        if requirement.name not in ("numpy", "pillow"):
            assert f"{requirement.name}{requirement.specifier}" in CONSTRAINTS.split()


def test_an_interpreter_of_numpy_1_gets_it_and_the_others_the_newest() -> None:
    newest, old = wanted(TARGETS["arm64-bookworm"], CONSTRAINTS)
    assert ("numpy" in newest, "numpy<2" in old) == (True, True)
    assert [line.split("==")[0] for line in old] == ["tflite-runtime", "numpy<2", "pillow"]
