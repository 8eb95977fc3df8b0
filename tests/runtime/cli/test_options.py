"""The values of options: which are taken, and that the next ones beyond their bounds are not."""

import pytest

from mnist_runtime.cli.main import command_line


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("classify x --top-k 1000", "top_k", 1000),
        ("classify x --keep-doubtful d --doubtful-below 1", "doubtful_below", 1.0),
        ("watch --source 0 --rate 1000", "rate", 1000.0),
        ("watch --source 0 --steady 10", "steady", 10),
        ("watch --source 0 --start cold=water=0 --start gas=1.5", "start", [("cold=water", 0.0), ("gas", 1.5)]),
        ("serve --port 0", "port", 0),
        ("serve --port 65535", "port", 65535),
    ],
)
def test_values_at_their_bounds_are_taken(words: str, name: str, value: object) -> None:
    assert getattr(command_line().parse_args(words.split()), name) == value


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        *((f"classify x --top-k {value}", "from 1 to 1,000") for value in ("0", "1001", "1.0", "9" * 9, "²")),
        *((f"classify x --doubtful-below {value}", "above 0 and at most 1") for value in ("0", "1.001", "nan", "x")),
        *((f"watch --source 0 --rate {value}", "above 0 and at most 1000") for value in ("0", "1001", "inf")),
        *((f"watch --source 0 --steady {value}", "from 1 to 10") for value in ("0", "11")),
        *(
            (f"watch --source 0 --start {value}", "is not a name and a number")
            for value in ("5", "=5", "gas=", "gas=x", "gas=nan", "gas=-1", "gas=1e15")
        ),
        *((f"serve --port {value}", "is not a port, 0 to 65535") for value in ("65536", "http", "²", "9" * 9)),
    ],
)
def test_values_beyond_their_bounds_are_refused(words: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        command_line().parse_args(words.split())
    assert (left.value.code, reason in capsys.readouterr().err) == (2, True)
