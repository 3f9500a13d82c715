# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner: nothing left to do after it was done, and no secret in what it shows."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.household.mediaserver.plugins.module_utils._core.plan import make_plan
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
VALUES = st.one_of(st.booleans(), st.integers(), st.text(), st.lists(st.text(max_size=3), max_size=3))
STATES = st.dictionaries(NAMES, VALUES)


def test_only_what_differs_is_planned_in_order() -> None:
    plan = make_plan({"b": 1, "a": 2, "same": 3}, {"b": 0, "same": 3, "other": 4})
    assert [change.name for change in plan.changes] == ["a", "b"]
    assert plan.diff() == {"before": {"b": 0}, "after": {"a": 2, "b": 1}}


def test_secrets_are_masked_and_still_seen_to_change() -> None:
    plan = make_plan({"p": "new", "q": "first"}, {"p": "old"}, secrets={"p", "q"})
    assert plan.diff() == {
        "before": {"p": "(hidden)"},
        "after": {"p": "(hidden, changed)", "q": "(hidden, changed)"},
    }
    assert plan.values() == {"p": "new", "q": "first"}


@given(STATES, STATES)
def test_after_applying_it_the_plan_is_empty(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    plan = make_plan(wanted, found)
    applied = {**found, **plan.values()}
    assert not make_plan(wanted, applied)
    assert {name: value for name, value in applied.items() if name not in wanted} == {
        name: value for name, value in found.items() if name not in wanted
    }


@given(STATES, STATES)
def test_it_shows_no_secret(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    hidden = {name: f"geheim-{value!r}" for name, value in wanted.items()}
    found = {name: f"geheim-{value!r}" for name, value in found.items()}
    plan = make_plan(hidden, found, secrets=set("abcde"))
    assert "geheim" not in json.dumps(plan.diff())
    assert "geheim" not in json.dumps([change.shown() for change in plan.changes])
