"""The page of the JSON fields: what each command prints with --json, taken from real output.

A field's description is that of the class in the code that has the most of an object's fields.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mnist_tools.checkout import environment, module, output_of
from mnist_tools.docs.markdown import table
from mnist_tools.docs.reference._json_probe import FILES, RUNS

__all__ = ["PLACE", "json_page", "measured_output"]

PLACE = "reference/json.md"
"""The page's place in the site."""

TITLE = "# JSON fields\n\nThe fields of what each command prints with `--json`, and of the JSON files."

ABSENT = "These tables come from real output. Build the site without `--quick` to have them: `scripts/docs`."

NAME = re.compile(r"[a-z_][a-z0-9_]*$")
"""A field's name. Keys of another form, such as ``CONV_2D``, are data."""

SINGLE = re.compile(r"``([^`]+)``")

TYPED = {"mnist-export deploy": "Deployment"}
"""Command that cannot run here, as it needs a device -> the class that it prints."""

LONGEST = 44
"""Characters of the longest example."""

FEWEST, CERTAIN = 3, 0.6
"""A class describes an object if it documents at least this number, and this fraction, of the object's fields."""

LEGEND = (
    "`[]` stands for each element of a list, `*` for each key of a table; `null` for None. *here*: so it was in the "
    "output that this page is made from."
)

Described = Mapping[str, Mapping[str, str]]
"""Class -> its documented fields, each with its description."""

Objects = dict[str, dict[str, Any]]
"""Class -> an object that it describes."""


def measured_output() -> dict[str, Any]:
    """Run the commands of `RUNS` and return the JSON of each, and of the files that they write."""
    with tempfile.TemporaryDirectory() as folder:
        quiet = environment(TF_CPP_MIN_LOG_LEVEL="3", COLUMNS="80")
        print("docs: running the commands with --json, a minute ...", file=sys.stderr)
        output_of(module("mnist_tools.docs.reference._json_probe", folder), env=quiet)
        found: dict[str, Any] = json.loads((Path(folder) / "found.json").read_text("utf-8"))
        return found


def json_page(found: Mapping[str, Any] | None, described: Described) -> str:
    """Return the page.

    Parameters
    ----------
    found : mapping of str to Any, or None
        Command or file -> its JSON; None for a page that says how to get them.
    described : mapping of str to (mapping of str to str)
        Class -> its documented fields.
    """
    parts = [TITLE, ABSENT if found is None else LEGEND]
    objects: Objects = {}
    for title in (*RUNS, *FILES, *TYPED):
        parts.append(f"## {title}")
        if name := TYPED.get(title):
            rows = [[f"`{field}`", SINGLE.sub(r"`\1`", text)] for field, text in described[name].items()]
            parts.append(table(["field", "meaning"], rows))
        elif found is not None:
            if name := _class_of(found[title], described):
                objects[name] = {**objects.get(name, {}), **found[title]}
            parts.append(f"See [{name}](#{name})." if name else _table(found[title], {}, described, objects))
    done = set[str]()
    while waiting := sorted(objects.keys() - done):
        for name in waiting:
            done.add(name)
            parts += [f"## {name} {{ #{name} }}", _table(objects[name], described[name], described, objects)]
    return "\n\n".join(parts) + "\n"


def _table(value: Any, known: Mapping[str, str], described: Described, objects: Objects) -> str:
    rows = [[f"`{path}`", kind, text] for path, kind, text in _rows(value, "", known, described, objects)]
    head = ["field", "type or example", "meaning"]
    width = 3 if any(text for _, _, text in rows) else 2  # a third column that is empty takes place on a phone
    return table(head[:width], (row[:width] for row in rows))


def _rows(
    value: Any, path: str, known: Mapping[str, str], described: Described, objects: Objects
) -> Iterator[tuple[str, str, str]]:
    """Yield path, type or example, and description of each field under `value`.

    An object that a class describes gets a table of its own; it is noted in `objects`.
    """
    if isinstance(value, list):
        yield from _rows(value[0], f"{path}[]", known, described, objects) if value else ()
        return
    if not isinstance(value, dict):
        return
    if value and not all(map(NAME.match, value)):
        value = {"*": next(iter(value.values()))}
    for key, inner in value.items():
        place = f"{path}.{key}" if path else key
        text = SINGLE.sub(r"`\1`", known.get(key, ""))
        sample = inner[0] if isinstance(inner, list) and inner else inner
        if isinstance(sample, dict) and (name := _class_of(sample, described)):
            objects[name] = {**sample, **objects.get(name, {})}
            plural = "list of objects" if isinstance(inner, list) else "object"
            yield place, f"{plural}, see [{name}](#{name})", text
            continue
        yield place, _shown(inner), text
        yield from _rows(inner, place, {}, described, objects)


def _class_of(value: Mapping[str, Any], described: Described) -> str | None:
    """Return the class whose documented fields are most of an object's keys; None if there is none."""
    counts = {name: (len(value.keys() & fields.keys()), -len(fields)) for name, fields in described.items()}
    best = max(counts, key=lambda name: counts[name])
    common, _ = counts[best]
    return best if common >= FEWEST and common > CERTAIN * len(value) else None


def _shown(value: Any) -> str:
    """Return the type of a value, with an example if it is short."""
    if value is None:
        return "`null` here"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        inner = {type(each).__name__ for each in value}
        kinds = {"dict": "objects", "str": "strings", "int": "numbers", "float": "numbers", "bool": "booleans"}
        return f"list of {kinds.get(next(iter(inner)), 'lists')}" if value else "list, empty here"
    text = json.dumps(round(value, 4) if isinstance(value, float) else value, ensure_ascii=False)
    kind = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
    return kind if len(text) > LONGEST or str(Path.cwd()) in text or "/" in text else f"`{text}`"
