"""The study of photographs measures the rows that it is asked for."""

import re

import pytest

from mnist_tools.studies.photographs import main


def test_only_the_wanted_rows_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["8", "--rows", "clean", "clean, 100 px"]) == 0
    rows = re.findall(
        r"^(clean\S*(?: \S+)*?) {2,}([\d.]+)% +([\d.]+)% +([\d.]+)%$", capsys.readouterr().out, re.MULTILINE
    )
    assert [row[0] for row in rows] == ["clean", "clean, 100 px"]
    assert all(sum(map(float, row[1:])) == pytest.approx(100, abs=0.2) for row in rows)
    with pytest.raises(SystemExit):
        main(["8", "--rows", "none"])
