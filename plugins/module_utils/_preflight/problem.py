# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Findings of preflight checks: the variable or fact, the problem and the remedy."""

from __future__ import annotations

import typing as t

Facts = t.Mapping[str, t.Any]
Settings = t.Mapping[str, t.Any]
Problem = dict[str, str]
Checks = tuple[t.Callable[[Facts, Settings], t.Iterator[Problem]], ...]


def problem(variable: str, text: str, remedy: str) -> Problem:
    """Return a finding that ends the run before anything changes."""
    return {"level": "problem", "variable": variable, "problem": text, "remedy": remedy}


def not_set(variable: str) -> Problem:
    """Return the problem of a required variable without a value."""
    return problem(
        variable,
        "it is not set",
        "set it in the inventory's folder host_vars/<host>, which has exactly the host's name; a password in vault.yml"
        " there",
    )


def warning(variable: str, text: str, remedy: str) -> Problem:
    """Return a finding that may be intended; it is shown, and the run continues."""
    return {**problem(variable, text, remedy), "level": "warning"}


def note(variable: str, text: str) -> Problem:
    """Return a finding about a setting that is not used or used in another way; it needs no correction."""
    return {**problem(variable, text, ""), "level": "note"}


def with_text(found: Problem) -> Problem:
    """Add ``text``: variable, problem and remedy in one line."""
    remedy = f" Remedy: {found['remedy'].rstrip('.')}." if found["remedy"] else ""
    problem_text = found["problem"].rstrip(".")
    end = "" if problem_text.endswith("?") else "."
    return {**found, "text": f"{found['variable']}: {problem_text}{end}{remedy}"}
