# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a recorded JSON value with the double's; ids and times may differ."""

from __future__ import annotations

import re
from typing import Any

ID = re.compile(r"^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$")
# The key of a watched mark: an id, then the numbers of season and episode in three digits each.
NUMBERED_ID = re.compile(r"^([0-9a-f-]{36})((?:\d{3}){1,2})$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
# The server appends the position in the document to its messages.
POSITION = re.compile(r" (?:There is an open JSON object.*|Path: \S+ \| LineNumber: .*|Path: \S+)$")


class Ids:
    """Pairs of a recorded id and the double's, one to one."""

    def __init__(self) -> None:
        self.ours: dict[str, str] = {}
        self._recorded: dict[str, str] = {}

    def pair(self, recorded: str, ours: str) -> bool:
        recorded, ours = recorded.replace("-", ""), ours.replace("-", "")
        return self.ours.setdefault(recorded, ours) == ours and self._recorded.setdefault(ours, recorded) == recorded

    def translate(self, text: str) -> str:
        return re.sub(r"[0-9a-f]{32}", lambda found: self.ours.get(found[0], found[0]), text)


def shape(value: Any) -> Any:
    """Return keys and types; of a list, each different element once."""
    if isinstance(value, dict):
        return {key: shape(entry) for key, entry in sorted(value.items())}
    if isinstance(value, list):
        return sorted({repr(shape(entry)) for entry in value})
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def differences(recorded: Any, ours: Any, ids: Ids, where: str = "") -> list[str]:
    """Return one line for each place where two JSON values differ."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        found = [f"{where}.{key}: missing" for key in recorded.keys() - ours.keys()]
        found += [f"{where}.{key}: not recorded" for key in ours.keys() - recorded.keys()]
        for key in recorded.keys() & ours.keys():
            if key != "traceId":
                found += differences(recorded[key], ours[key], ids, f"{where}.{key}")
        return sorted(found)
    if isinstance(recorded, list) and isinstance(ours, list):
        if len(recorded) != len(ours):
            return [f"{where}: {len(recorded)} entries recorded, {len(ours)} given"]
        pairs = zip(_ordered(recorded), _ordered(ours), strict=True)
        return [line for index, (a, b) in enumerate(pairs) for line in differences(a, b, ids, f"{where}[{index}]")]
    if isinstance(recorded, str) and isinstance(ours, str):
        return [] if _same_text(recorded, ours, ids) else [f"{where}: {recorded!r} recorded, {ours!r} given"]
    same = shape(recorded) == shape(ours) and recorded == ours
    return [] if same else [f"{where}: {recorded!r} recorded, {ours!r} given"]


def _ordered(entries: list[Any]) -> list[Any]:
    """Sort a list of named objects, whose order is not part of the API."""
    named = all(isinstance(entry, dict) and "Name" in entry for entry in entries)
    return sorted(entries, key=lambda entry: str(entry["Name"])) if named else entries


def _same_text(recorded: str, ours: str, ids: Ids) -> bool:
    if TIME.match(recorded):
        return bool(TIME.match(ours))
    if ID.match(recorded):
        return bool(ID.match(ours)) and ids.pair(recorded, ours)
    if numbered := NUMBERED_ID.match(recorded):
        other = NUMBERED_ID.match(ours)
        return other is not None and numbered[2] == other[2] and ids.pair(numbered[1], other[1])
    return POSITION.sub("", recorded) == POSITION.sub("", ours)
