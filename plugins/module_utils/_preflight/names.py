# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight check for misspelled names of variables, which Ansible ignores without a message."""

from __future__ import annotations

import difflib
import typing as t

from .problem import (
    Facts,
    Problem,
    Settings,
    warning,
)

# Cutoff of difflib, high enough that variables of the user and of other roles are not reported.
SIMILAR = 0.85


def check_names(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Warn about names that are similar to a variable of a role.

    ``preflight_names`` are the variables of all roles, ``preflight_other_names`` all other variables that are set.
    """
    names = sorted(settings.get("preflight_names") or [])
    for name in sorted(settings.get("preflight_other_names") or []):
        for similar in difflib.get_close_matches(name, names, n=1, cutoff=SIMILAR):
            yield warning(
                name,
                "no role has a variable of this name, so its value is not used",
                f"write {similar} if you mean that variable; a variable of your own needs no change",
            )
