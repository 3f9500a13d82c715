# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each role's README from its argument specs, so that each variable is described in one place."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
COLLECTION = "household.mediaserver"
# The role that has variables only, for all the others; and the role of its example.
SHARED, SHARED_WITH = "mediaserver", "host"
# The household whose values the examples use.
EXAMPLE = ("inventory", "example", "host_vars", "livingroom", "main.yml")
# Ansible's semantic markup that is used here.
MARKUP = re.compile(r"\b[OVCMB]\(([^)]*)\)")
# Characters; a longer default is shown below the table.
CELL = 80


def plain(text: str) -> str:
    """Return documentation text as Markdown."""
    return MARKUP.sub(r"`\1`", text).replace("|", "\\|")


def paragraphs(value: str | list[str]) -> list[str]:
    return [plain(text) for text in ([value] if isinstance(value, str) else value)]


def is_long(option: dict[str, Any]) -> bool:
    return isinstance(option.get("default"), dict) and len(json.dumps(option["default"])) > CELL


def default(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "**required**"
    if "default" not in option:
        return ""
    if is_long(option):
        return "below"
    value = option["default"]
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`".replace("|", "\\|")


def meaning(option: dict[str, Any]) -> str:
    texts = paragraphs(option.get("description", ""))
    if "choices" in option:
        texts.append(f"One of {', '.join(f'`{choice}`' for choice in option['choices'])}.")
    return " ".join(texts)


def rows(options: dict[str, Any], prefix: str = "") -> list[str]:
    """Return one table row per option and suboption."""
    lines = []
    for name, option in options.items():
        kind = option.get("type", "str")
        kind = f"{kind} of {option['elements']}" if "elements" in option else kind
        lines.append(f"| `{prefix}{name}` | {kind} | {default(option)} | {meaning(option)} |")
        lines += rows(option.get("options", {}), f"{prefix}{name}.")
    return lines


def block(data: Any) -> str:
    return f"```yaml\n{yaml.safe_dump(data, sort_keys=False, width=CELL)}```"


def example_values() -> dict[str, Any]:
    """Return the variables of the example inventory."""
    return dict(yaml.safe_load(ROOT.joinpath(*EXAMPLE).read_text(encoding="utf-8")))


def example(name: str, options: dict[str, Any]) -> str:
    """Return a play with what the role requires: values of the example inventory, secrets from the vault."""
    given = {
        key: f"{{{{ vault_{key} }}}}" if option.get("no_log") else example_values()[key]
        for key, option in options.items()
        if option.get("required")
    }
    role: dict[str, Any] = {"role": f"{COLLECTION}.{name}"}
    if given:
        role["vars"] = given
    return block([{"hosts": "mediaserver", "become": True, "gather_facts": False, "roles": [role]}])


def shared_example() -> str:
    """Return a play that sets a shared variable for another role."""
    variables = {"mediaserver_timezone": example_values()["mediaserver_timezone"]}
    role = {"role": f"{COLLECTION}.{SHARED_WITH}", "vars": variables}
    return block([{"hosts": "mediaserver", "become": True, "gather_facts": False, "roles": [role]}])


def readme(name: str, specs: dict[str, Any]) -> str:
    """Return the README of the role ``name`` whose argument specs are ``specs``."""
    main = specs["argument_specs"]["main"]
    options = main["options"]
    parts = [f"# {COLLECTION}.{name}", plain(main["short_description"]) + "."]
    parts += [text for text in paragraphs(main.get("description", [])) if text]
    if options:
        head = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
        parts.append("\n".join([*head, *rows(options)]))
    for key, option in options.items():
        if is_long(option):
            parts += [f"Default of `{key}`:", block(option["default"])]
    if name == SHARED:
        parts += ["A play that sets one of these variables for another role:", shared_example()]
    else:
        parts.append(f"Variables that all roles share are in [{SHARED}](../{SHARED}/README.md). A play with this role:")
        parts.append(example(name, options))
    parts.append("<!-- Written from meta/argument_specs.yml by `make docs`. -->")
    return "\n\n".join(parts) + "\n"


def read_specs(role: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; list the files that would change, and fail",
    )
    check = parser.parse_args().check
    stale = False
    for role in sorted((ROOT / "roles").iterdir()):
        target, text = role / "README.md", readme(role.name, read_specs(role))
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        stale = True
        print(target.relative_to(ROOT))
        if not check:
            target.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
