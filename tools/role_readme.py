# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each role's README from its argument specs, so that what a variable means stands in one place."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
COLLECTION = "household.mediaserver"
# Ansible's semantic markup, as far as it is used here.
MARKUP = re.compile(r"\b[OVCMB]\(([^)]*)\)")


def plain(text: str) -> str:
    """Markdown for a piece of documentation."""
    return MARKUP.sub(r"`\1`", text).replace("|", "\\|")


def paragraphs(value: str | list[str]) -> list[str]:
    return [plain(text) for text in ([value] if isinstance(value, str) else value)]


def default(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "required"
    if "default" not in option:
        return ""
    value = option["default"]
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`".replace("|", "\\|")


def rows(options: dict[str, Any], prefix: str = "") -> list[str]:
    """One table row per option, and one per option inside it."""
    lines = []
    for name, option in options.items():
        kind = option.get("type", "str")
        kind = f"{kind} of {option['elements']}" if "elements" in option else kind
        text = " ".join(paragraphs(option.get("description", "")))
        lines.append(f"| `{prefix}{name}` | {kind} | {default(option)} | {text} |")
        lines += rows(option.get("options", {}), f"{prefix}{name}.")
    return lines


def readme(name: str, specs: dict[str, Any]) -> str:
    """Return the README of the role ``name`` whose argument specs are ``specs``."""
    main = specs["argument_specs"]["main"]
    parts = [f"# {COLLECTION}.{name}", plain(main["short_description"]) + "."]
    parts += [text for text in paragraphs(main.get("description", [])) if text]
    if main["options"]:
        head = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
        parts.append("\n".join([*head, *rows(main["options"])]))
    if name != "mediaserver":
        parts.append("Values that all roles share are in [mediaserver](../mediaserver/README.md).")
    parts.append("<!-- Written from meta/argument_specs.yml by `make docs`. -->")
    return "\n\n".join(parts) + "\n"


def read_specs(role: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")))


def main() -> int:
    for role in sorted((ROOT / "roles").iterdir()):
        (role / "README.md").write_text(readme(role.name, read_specs(role)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
