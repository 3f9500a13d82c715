# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Edits the kernel command line of a Raspberry Pi, which must stay one line or the Pi does not boot."""

from __future__ import annotations

import typing as t


def with_tokens(text: str, tokens: t.Iterable[str]) -> str:
    """The same line with every token in it, and nothing in it that takes one of them back.

    A text that is not exactly one line with something on it is not a command line, and is refused.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise ValueError(f"expected one line of kernel parameters, found {len(lines)}")
    line = lines[0]
    words = line.split()
    wanted = list(tokens)
    contrary = {
        word.replace("cgroup_enable=", "cgroup_disable=", 1) for word in wanted if word.startswith("cgroup_enable=")
    }
    missing = [word for word in wanted if word not in words]
    if not missing and not contrary.intersection(words):
        return text
    kept = [word for word in words if word not in contrary]
    return " ".join([*kept, *missing]) + ("\n" if text.endswith("\n") else "")
