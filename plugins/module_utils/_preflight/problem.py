# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a preflight check finds: which variable or fact, what is wrong with it, and what cures it."""

from __future__ import annotations

import typing as t

Facts = t.Mapping[str, t.Any]
Settings = t.Mapping[str, t.Any]
Problem = dict[str, str]
Checks = tuple[t.Callable[[Facts, Settings], t.Iterator[Problem]], ...]


def problem(variable: str, text: str, remedy: str) -> Problem:
    """It would not work, so nothing is begun."""
    return {"level": "problem", "variable": variable, "problem": text, "remedy": remedy}


def not_set(variable: str) -> Problem:
    return problem(
        variable,
        "it is not set",
        "set it in the folder host_vars/<host> of the inventory, which is named exactly like the host; a password in"
        " vault.yml there",
    )


def warning(variable: str, text: str, remedy: str) -> Problem:
    """It may be meant; said, and the run goes on."""
    return {**problem(variable, text, remedy), "level": "warning"}


def note(variable: str, text: str) -> Problem:
    """It was understood, and is done in another way than written; nothing needs to be corrected."""
    return {**problem(variable, text, ""), "level": "note"}


def with_text(found: Problem) -> Problem:
    """Add what a household reads of it, in one line."""
    remedy = f" Remedy: {found['remedy'].rstrip('.')}." if found["remedy"] else ""
    problem_text = found["problem"].rstrip(".")
    end = "" if problem_text.endswith("?") else "."
    return {**found, "text": f"{found['variable']}: {problem_text}{end}{remedy}"}
