"""`page`: the figures of `scripts/tool stress meter` as docs/results/meter.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["page"]

HEAD = """# Reading a meter

How `mnist-runtime watch --regions` reads the rendered water meter of [examples/meter](../../examples/meter/README.md),
written by `scripts/tool stress meter`. The meter has eight wheels, which turn; light, reflections, mist, dirt, a hand
and a camera that shakes change what they look like.
"""

RUNS = {"quiet": "without faults", "faults": "with faults"}
"""Part of the measurement -> its column in the table of delays."""

DELAY = """## Delay

From the change of the wheels to the message at the broker. Five frames a second, of which three of five must agree;
two busy cores. The run with faults is that of the next section. A message that waits for the broker, or is repeated,
counts with its whole delay.

"""


def page(facts: dict[str, Any]) -> str:
    """Return the text of the page."""
    parts = [HEAD]
    if films := facts.get("films"):
        seen, values = films["frames"], films["values"]
        count = seen["right"] + seen.get("wrong", 0) + seen.get("none", 0)
        wheels = sum(seen.get(f"wheel {kind}", 0) for kind in ("right", "wrong", "none"))
        rejected = ", ".join(str(values.get(state, 0)) for state in ("unreadable", "falls", "jumps"))
        rows = {
            "frames": f"{count:,}",
            "frames with all eight wheels right": f"{seen['right'] / count:.1%}",
            "wheels right": f"{seen['wheel right'] / wheels:.2%}",
            "values published": f"{values['good']:,}",
            "**wrong values published**": f"**{values.get('wrong', 0)}**",
            "readings rejected: unreadable, falling, jumping": rejected,
        }
        parts.append("## Films\n\nEach film is another meter; the first value of each is given.\n\n" + _table(rows))
    runs = {name: facts[part] for part, name in RUNS.items() if "median_delay_seconds" in facts.get(part, {})}
    if runs:
        rows = {
            kind: " | ".join(f"{found[f'{kind}_delay_seconds']} s" for found in runs.values())
            for kind in ("median", "longest")
        }
        parts.append(DELAY + _table(rows, list(runs)))
    if faults := facts.get("faults"):
        happened = faults["faults"]
        rows = {
            "broker killed": f"{happened['broker']} times",
            "camera unplugged": f"{happened['camera']} times",
            "no space for files": f"{happened['disk']} times",
            "time of day set": f"{happened['clock']} times",
            "values": f"{faults['values']:,}",
            "messages, repeated ones included": f"{faults['messages']:,}",
            "**lost, changed or wrong values, dead processes**": f"**{'; '.join(faults['problems']) or 'none'}**",
        }
        parts.append("## Faults\n\n" + _table(rows))
    if memory := facts.get("memory"):
        grown = memory["grown_bytes"]
        rows = {f"growth over {memory['frames']:,} frames": f"{grown / 1024:.0f} kB" if grown > 0 else "none"}
        text = "With a CSV file, MQTT and doubtful pictures; median of the last tenth after that of the second."
        parts.append(f"## Memory\n\n{text}\n\n{_table(rows)}")
    return "\n".join(parts)


def _table(rows: dict[str, str], columns: Sequence[str] = ("",)) -> str:
    head = [f"| | {' | '.join(columns)} |" if any(columns) else "| | |", f"|---|{'--:|' * len(columns)}"]
    return "\n".join([*head, *(f"| {name} | {value} |" for name, value in rows.items()), ""])
