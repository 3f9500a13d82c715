# SPDX-License-Identifier: GPL-3.0-or-later
"""daemon.json keeps the user's settings, unless a variable overrides them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._host import docker_daemon as daemon
from hypothesis import example, given
from hypothesis import strategies as st

OURS = {"log-driver": "json-file", "log-opts": {"max-size": "10m"}, "live-restore": False}
KEYS = st.sampled_from(["a", "b", "log-opts", "features"])
VALUES = st.integers() | st.lists(st.integers(), max_size=2) | st.dictionaries(KEYS, st.integers(), max_size=2)
LAYERS = st.dictionaries(KEYS, VALUES, max_size=3) | st.builds(
    lambda driver, options: {"log-driver": driver, "log-opts": options},
    st.sampled_from(["json-file", "local"]),
    st.dictionaries(KEYS, st.text(max_size=2), max_size=2),
)


@pytest.mark.parametrize(
    ("layers", "merged"),
    [
        (({"mine": True}, {"a": 1}), {"mine": True, "a": 1}),
        (({"a": 2}, {"a": 1}, {"a": 3}), {"a": 3}),
        (({"dns": ["192.0.2.1"]}, {"dns": ["192.0.2.2"]}), {"dns": ["192.0.2.2"]}),
        (({"features": {"x": True}}, {"features": {"y": True}}), {"features": {"x": True, "y": True}}),
        (({"features": {"x": True}}, {"features": {"x": False}}), {"features": {"x": False}}),
    ],
    ids=["another key stays", "last wins", "lists are replaced", "dictionaries are merged", "last wins inside them"],
)
def test_merges_layers(layers: tuple[dict[str, Any], ...], merged: dict[str, Any]) -> None:
    assert daemon.merge(*layers) == merged


@pytest.mark.parametrize(
    ("found", "options", "driver", "log_options"),
    [
        ({}, {}, "json-file", {"max-size": "10m"}),
        ({"log-opts": {"tag": "x"}}, {}, "json-file", {"tag": "x", "max-size": "10m"}),
        ({"log-driver": "syslog", "log-opts": {"syslog-address": "x"}}, {}, "json-file", {"max-size": "10m"}),
        ({"log-driver": "journald", "log-opts": {"tag": "x"}}, {"log-driver": "journald"}, "journald", {"tag": "x"}),
        ({}, {"log-driver": "journald"}, "journald", None),
        ({}, {"log-driver": "local", "log-opts": {"max-size": "1m"}}, "local", {"max-size": "1m"}),
        ({}, {"log-opts": {"max-size": "1m"}}, "json-file", {"max-size": "1m"}),
        ({"log-driver": "local"}, {"log-opts": {"tag": "x"}}, "json-file", {"max-size": "10m", "tag": "x"}),
    ],
    ids=[
        "collection's",
        "user's merged",
        "another driver's removed",
        "user's kept",
        "collection's removed",
        "options with driver",
        "options override",
        "options without driver",
    ],
)
def test_log_options_are_kept_only_for_their_driver(
    found: dict[str, Any], options: dict[str, Any], driver: str, log_options: dict[str, str] | None
) -> None:
    merged = daemon.merge(found, OURS, options)
    assert (merged["log-driver"], merged.get("log-opts")) == (driver, log_options)


@given(found=LAYERS, ours=LAYERS, options=LAYERS)
@example(found={}, ours={"log-opts": {"a": 0}}, options={"log-driver": "local", "log-opts": {}})
def test_second_merge_changes_nothing(found: dict[str, Any], ours: dict[str, Any], options: dict[str, Any]) -> None:
    once = daemon.render(json.dumps(found), ours, options)
    assert daemon.render(once, ours, options) == once


@given(found=LAYERS)
def test_text_is_unchanged_without_wanted_settings(found: dict[str, Any]) -> None:
    text = json.dumps(found, indent=7)
    assert daemon.render(text, {}, {}) == text


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"a": 1} // mine', '"text"', "null"])
def test_invalid_file_is_named(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"/etc/docker/daemon\.json is not"):
        daemon.render(text, OURS)


def test_content_of_invalid_file_is_not_quoted() -> None:
    with pytest.raises(InvalidValue) as caught:
        daemon.render('"http://me:s3cret@proxy"', OURS)
    assert "s3cret" not in str(caught.value)
