# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Texts as YAML: plain where that is safe, else in double quotes, as JSON has them (YAML 1.2, section 7.3.1)."""

from __future__ import annotations

import json
import re
import typing as t

# What YAML reads as written, whatever stands around it: no digit, which might begin a number or a date.
PLAIN = re.compile(
    r"(?!(?:true|false|yes|no|on|off|null|y|n)$)[A-Za-z_/](?:[A-Za-z_/.-]|:(?=[A-Za-z]))*", re.IGNORECASE
)
PLAIN_PATH = re.compile(r"/[A-Za-z0-9._/@+-]+")
ENV_REFERENCE = re.compile(r"\$\{[A-Z0-9_]+\}")


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def flow(texts: t.Iterable[str]) -> str:
    """Return a list of texts on one line."""
    return f"[{', '.join(text if PLAIN.fullmatch(text) else quoted(text) for text in texts)}]"


def block(text: str) -> str:
    """Return a text that has the rest of its line to itself."""
    return text if PLAIN.fullmatch(text) or ENV_REFERENCE.fullmatch(text) else quoted(text)


def path(text: str) -> str:
    return text if PLAIN_PATH.fullmatch(text) else quoted(text)
