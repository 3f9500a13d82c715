# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of the replays reports each kind of difference."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from comparison import Ids, differences, shape

ID_A, ID_B, ID_C = "a" * 32, "b" * 32, "c" * 32
RECORDED: dict[str, Any] = {
    "Id": ID_A,
    "Name": "Movies",
    "When": "2026-01-01T00:00:00.0000000Z",
    "Enabled": True,
    "Count": 3,
    "Nested": {"Key": None},
    "Entries": [{"Name": "A"}, {"Name": "B"}],
}
CHANGES: dict[str, dict[str, Any]] = {
    "missing key": {"Name": ...},
    "other text": {"Name": "Films"},
    "no id": {"Id": "one"},
    "no time": {"When": "yesterday"},
    "other boolean": {"Enabled": False},
    "number for a boolean": {"Enabled": 1},
    "text for a number": {"Count": "3"},
    "boolean for a number": {"Count": True},
    "new key": {"More": 1},
    "nested": {"Nested": {"Key": 0}},
    "shorter list": {"Entries": [{"Name": "A"}]},
    "other element": {"Entries": [{"Name": "A"}, {"Name": "C"}]},
    "object for a list": {"Entries": {}},
}


def test_ids_times_and_order_are_no_difference() -> None:
    ours = copy.deepcopy(RECORDED)
    ours |= {"Id": ID_B, "When": "2027-02-02T00:00:00.1234567Z", "Entries": [{"Name": "B"}, {"Name": "A"}]}
    assert differences(RECORDED, ours, Ids()) == []
    assert shape(RECORDED) == shape(ours)


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_difference_is_reported(change: dict[str, Any]) -> None:
    ours = {key: value for key, value in (RECORDED | change).items() if value is not ...}
    assert len(differences(RECORDED, ours, Ids())) == 1


def test_ids_are_paired_one_to_one() -> None:
    assert differences([ID_A, ID_A], [ID_B, ID_C], Ids())
    assert differences([ID_A, ID_B], [ID_C, ID_C], Ids())
    ids = Ids()
    assert differences([ID_A, ID_B], [ID_B, ID_A], ids) == []
    assert ids.translate(f"/Users/{ID_A}/Policy") == f"/Users/{ID_B}/Policy"
