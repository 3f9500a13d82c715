# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Edits the kernel command line of a Raspberry Pi. A Pi whose cmdline.txt has more than one line does not boot."""

from __future__ import annotations

import typing as t


def with_tokens(text: str, tokens: t.Iterable[str]) -> str:
    """Return the line with every token in it and without the ``cgroup_disable`` that contradicts one.

    Raises ValueError when the text does not have exactly one line that is not blank.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise ValueError(f"expected one line of kernel parameters, found {len(lines)}")
    line = lines[0]
    words = line.split()
    wanted = list(tokens)
    contradicting = {
        word.replace("cgroup_enable=", "cgroup_disable=", 1) for word in wanted if word.startswith("cgroup_enable=")
    }
    missing = [word for word in wanted if word not in words]
    if not missing and not contradicting.intersection(words):
        return text
    kept = [word for word in words if word not in contradicting]
    return " ".join([*kept, *missing]) + ("\n" if text.endswith("\n") else "")
