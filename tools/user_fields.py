# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the fields of Jellyfin's users into the module's documentation and into the argument specs of the role.

Both are read as text: ansible-doc and Ansible's validation do not run the module.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The link below it is made by tools/setup.
sys.path[:0] = [str(ROOT / "build" / "collections")]

from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user_model import (  # noqa: E402
    FIELDS,
    Field,
)

TARGETS = (ROOT / "plugins/modules/jellyfin_user.py", ROOT / "roles/jellyfin/meta/argument_specs.yml")
BEGIN, END = "# Begin of what `make docs` writes from FIELDS", "# End of what `make docs` writes."
WIDTH = 120


def entry(field: Field, indent: str) -> list[str]:
    """Return the option of a field as lines of YAML."""
    described = textwrap.wrap(
        field.description,
        WIDTH,
        initial_indent=f"{indent}    - ",
        subsequent_indent=f"{indent}      ",
        break_on_hyphens=False,
    )
    return [f"{indent}{field.option}:", f"{indent}  description:", *described, f"{indent}  type: {field.kind}"]


def written(text: str, fields: tuple[Field, ...] = FIELDS) -> str:
    """Return a file's text with these fields between its two marks."""
    lines = text.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.strip().startswith(BEGIN))
    end = next(number for number, line in enumerate(lines) if line.strip() == END)
    indent = lines[begin][: len(lines[begin]) - len(lines[begin].lstrip())]
    made = [line for field in fields for line in entry(field, indent)]
    return "\n".join([*lines[: begin + 1], *made, *lines[end:]]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not current")
    check = parser.parse_args().check
    stale = [path for path in TARGETS if path.read_text(encoding="utf-8") != written(path.read_text(encoding="utf-8"))]
    for path in stale:
        print(path.relative_to(ROOT))
        if not check:
            path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
