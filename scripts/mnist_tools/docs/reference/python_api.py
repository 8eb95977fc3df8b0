"""The pages of the Python API: the public names of each package, from their numpydoc docstrings."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import griffe

from mnist_tools.checkout import ROOT, ToolError

__all__ = ["PACKAGES", "api_page", "api_pages", "described_fields", "modules"]

PACKAGES = {
    "mnist_runtime": ("runtime", "Classify pictures on a device, in Python."),
    "mnist_exporters": ("exporters", "Export models and prove the files, in Python."),
    "mnist_trainer": ("trainer", "Load data, train and evaluate, in Python."),
}
"""Package -> its folder, and the purpose of its page."""

WIDTH = 80
KIND = griffe.DocstringSectionKind
KINDS = {"function": "Functions", "class": "Classes", "attribute": "Tables and constants"}

DOUBLE = re.compile(r"``([^`]+)``")


@cache
def modules() -> dict[str, Any]:
    """Return each package as griffe reads it, without importing it."""
    logging.getLogger("griffe").setLevel(logging.ERROR)
    loader = griffe.GriffeLoader(
        search_paths=[ROOT / folder for folder, _ in PACKAGES.values()],
        docstring_parser=griffe.Parser.numpy,
        allow_inspection=False,
    )
    found = {name: loader.load(name) for name in PACKAGES}
    loader.resolve_aliases(external=False)
    return found


def api_pages() -> dict[str, str]:
    """Return the page of each package, by its place in the site."""
    return {f"reference/{name.replace('_', '-')}-python.md": api_page(module) for name, module in modules().items()}


def described_fields() -> dict[str, dict[str, str]]:
    """Return the documented fields of every class of the packages, by the class's name."""
    found = {}
    waiting = [*modules().values()]
    while waiting:
        for target in waiting.pop().members.values():
            if target.is_alias:
                continue
            if target.kind is griffe.Kind.MODULE:
                waiting.append(target)
            elif target.kind is griffe.Kind.CLASS:
                found[target.name] = dict(_fields(target))
    return found


def _fields(target: Any) -> Iterator[tuple[str, str]]:
    """Yield name and description of each documented field of a class; arrays, which are not JSON, are left out."""
    found: list[tuple[str, str, str]] = []
    for section in target.docstring.parsed if target.docstring else ():
        if section.kind in (KIND.parameters, KIND.attributes):
            found += [(item.name, str(item.annotation), item.description) for item in section.value]
    for name, member in target.members.items():
        if not name.startswith("_") and not member.is_alias and member.docstring and "property" in member.labels:
            found.append((name, "", member.docstring.value.partition("\n\n")[0]))
    for names, annotation, text in found:
        if "ndarray" not in annotation.lower() and "shape (" not in text:
            yield from ((name, " ".join(text.split())) for name in names.split(", "))


def api_page(module: Any) -> str:
    """Return the page of a package that griffe has read.

    Raises
    ------
    ToolError
        If a public name has no docstring.
    """
    package = module.name
    assert module.exports is not None
    found: dict[str, list[tuple[str, Any]]] = {kind: [] for kind in KINDS}
    elsewhere: dict[str, list[str]] = {}
    for name in sorted(map(str, module.exports), key=str.lower):
        target = module[name]
        target = target.final_target if target.is_alias else target
        home = target.path.partition(".")[0]
        if home == package:
            found[target.kind.value].append((name, target))
        else:
            elsewhere.setdefault(home, []).append(name)
    errors = [(name, target) for name, target in found["class"] if name.endswith("Error")]
    found["class"] = [pair for pair in found["class"] if pair not in errors]
    parts = [f"# {package} in Python", PACKAGES[package][1], f"```python\nimport {package}\n```"]
    parts += _example_of(module)
    for kind, title in KINDS.items():
        if found[kind]:
            parts += [f"## {title}"]
            parts += [part for name, target in found[kind] for part in _entry(package, name, target)]
    if errors:
        parts += ["## Errors", "Each has an [exit code](exit-codes.md)."]
        parts += [f"`{name}`\n:   {_text(_first(package, name, target))}" for name, target in errors]
    for home, names in elsewhere.items():
        same = ", ".join(f"`{name}`" for name in names)
        parts += [f"These are those of [{home}]({home.replace('_', '-')}-python.md): {same}."]
    return "\n\n".join(parts) + "\n"


def _example_of(module: Any) -> list[str]:
    """Return the examples in the docstring of a package."""
    return [
        part
        for section in module.docstring.parsed
        if section.kind is KIND.examples
        for part in _section(section, module)
    ]


def _entry(package: str, name: str, target: Any) -> Iterator[str]:
    """Yield the parts of one public name."""
    yield f"### {name} {{ #{name} }}"
    if target.kind is griffe.Kind.ATTRIBUTE:
        yield f"```python\n{name}: {target.annotation or 'dict'}\n```" if target.annotation else ""
        yield _first(package, name, target)
        return
    yield f"```python\n{_signature(name, target)}\n```"
    _first(package, name, target)
    for section in target.docstring.parsed:
        yield from _section(section, target)
    if target.kind is griffe.Kind.CLASS:
        for own, member in _members(target):
            yield f"#### {name}.{own} {{ #{name}.{own} }}"
            if member.kind is griffe.Kind.FUNCTION:
                yield f"```python\n{_signature(own, member)}\n```"
            for section in member.docstring.parsed:
                yield from _section(section, member)


def _first(package: str, name: str, target: Any) -> str:
    """Return the first paragraph of a docstring."""
    if target.docstring is None:
        raise ToolError(f"{package}.{name} has no docstring, which its page in the documentation needs.")
    text: str = target.docstring.value
    return _text(text.partition("\n\n")[0])


def _members(target: Any) -> Iterator[tuple[str, Any]]:
    """Yield the public methods, properties and values of an enumeration, with docstrings, inherited ones too."""
    for name, found in target.all_members.items():
        member = found.final_target if found.is_alias else found
        is_field = member.kind is griffe.Kind.ATTRIBUTE and "property" not in member.labels
        if not name.startswith("_") and member.docstring and not (is_field and "dataclass" in target.labels):
            yield name, member


def _signature(name: str, target: Any) -> str:
    """Return a signature, each parameter on a line of its own if it is long."""
    if target.kind is griffe.Kind.CLASS and not target.parameters:
        bases = ", ".join(map(str, target.bases))
        return f"class {name}({bases})" if bases else f"class {name}"
    is_method = target.kind is griffe.Kind.FUNCTION and target.parent.kind is griffe.Kind.CLASS
    skip = 1 if target.kind is griffe.Kind.CLASS or (is_method and "staticmethod" not in target.labels) else 0
    given = list(target.parameters)
    words = given[skip:] if given and given[0].name in ("self", "cls") else given
    texts, starred = [], False
    for word in words:
        prefix = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}.get(word.kind, "")
        if word.kind is griffe.ParameterKind.keyword_only and not starred:
            texts.append("*")
        starred = starred or word.kind in (griffe.ParameterKind.keyword_only, griffe.ParameterKind.var_positional)
        text = f"{prefix}{word.name}" + (f": {word.annotation}" if word.annotation is not None else "")
        texts.append(text + (f" = {word.default}" if word.default is not None and not prefix else ""))
    returns = getattr(target, "returns", None)
    after = f" -> {returns}" if returns is not None and target.kind is griffe.Kind.FUNCTION else ""
    line = f"{name}({', '.join(texts)}){after}"
    if len(line) <= WIDTH or not texts:
        return line
    return f"{name}(\n" + "".join(f"    {text},\n" for text in texts) + f"){after}"


def _text(text: str) -> str:
    """Return text of a docstring as Markdown."""
    return DOUBLE.sub(r"`\1`", text)


def _section(section: Any, target: Any) -> Iterator[str]:
    """Yield the parts of one section of the docstring of `target`."""
    if section.kind is KIND.text:
        yield _text(section.value)
    elif section.kind is KIND.examples:
        yield "**Examples**"
        for kind, text in section.value:
            yield f"```pycon\n{text}\n```" if kind is KIND.examples else _text(text)
    elif section.kind is KIND.admonition:
        yield f"**{section.title}**"
        yield _text(section.value.description)
    elif isinstance(section.value, list):
        title = {"parameters": "Parameters", "raises": "Raises", "returns": "Returns", "attributes": "Attributes"}
        yield f"**{title.get(section.kind.value, section.kind.value.capitalize())}**"
        for item in section.value:
            name, kind = getattr(item, "name", ""), item.annotation
            if not isinstance(kind, str) and name:  # for names without a type, griffe gives the type of the first name
                kind = next((one.annotation for one in getattr(target, "parameters", ()) if one.name == name), kind)
            shown = " · ".join(f"`{word}`" for word in (name, kind) if word)
            yield f"{shown}\n:   {_indented(_text(item.description))}" if item.description else shown


def _indented(text: str) -> str:
    return text.strip().replace("\n", "\n    ")
