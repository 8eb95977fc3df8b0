"""The page of each command: usage, arguments, options, defaults, examples and exit codes."""

from __future__ import annotations

import re

from mnist_tools.docs.reference.parsers import CommandFacts, all_commands

__all__ = ["command_page", "command_pages"]

SPECIAL = re.compile(r"([*_\[\]])")
"""Characters of a help text that Markdown would take for markup."""


def command_pages() -> dict[str, str]:
    """Return the page of each command, by its place in the site."""
    return {f"reference/{name}.md": command_page(facts) for name, facts in all_commands().items()}


def command_page(facts: CommandFacts) -> str:
    """Return the page of a command and those under it."""
    parts = [f"# {facts.name}", *_body(facts, "##")]
    for sub in facts.subcommands:
        parts += [f"## {sub.name}", *_body(sub, "###")]
    if facts.exit_codes:
        parts += ["## Exit codes", f"{_escaped(facts.exit_codes)}. [All exit codes](exit-codes.md)."]
    return "\n\n".join(parts) + "\n"


def _body(facts: CommandFacts, heading: str) -> list[str]:
    parts = [_escaped(facts.text), f"```sh\n{facts.name} --help\n```", f"```text\n{facts.usage}\n```"]
    if facts.examples:
        parts.append(f"```sh\n{facts.examples}\n```")
    sections = dict.fromkeys(row.section for row in facts.parameters)
    for section in sections:
        if heading == "##" or len(sections) > 1:
            parts.append(f"{heading} {section}" if heading == "##" else f"**{section}**")
        rows = [row for row in facts.parameters if row.section == section]
        parts += [f"`{row.names}`\n:   {_escaped(row.text)}" for row in rows]
    return parts


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text).replace("<", "&lt;")
