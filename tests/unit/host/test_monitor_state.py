# SPDX-License-Identifier: GPL-3.0-or-later
"""What survives a start of vpn-monitor: written and read back, and harmless whatever lies there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from mediaserver.monitor import monitor_state
from mediaserver.monitor.monitor_state import MAX_PAUSE_S, MonitorState
from mediaserver.monitor.steps import Act

NOW = 5000.0
anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3),
    max_leaves=5,
)


@given(
    some.booleans(),
    some.booleans(),
    some.booleans(),
    some.none() | some.tuples(some.floats(0, NOW), some.integers(1, 99)),
)
def test_what_was_known_is_known_again(
    trusted: bool, observed: bool, pending: bool, tried: tuple[float, int] | None
) -> None:
    attempts = {monitor_state.DOCKER: tried} if tried else {}
    asked = ("10.66.0.1", "vpn.example:443")
    known = MonitorState(attempts=attempts, trusted=trusted, asked=asked, network_seen=observed, swarm_pending=pending)
    other = MonitorState(
        attempts={**attempts, (Act.START, "jellyfin"): (9.0, 3)},
        unanswered=2,
        trusted=trusted,
        asked=asked,
        restarts={"jellyfin": (1.0, 9.0)},
        network_seen=observed,
        network_missing_since=1.0,
        swarm_pending=pending,
        repair_index=2,
    )
    assert monitor_state.from_json(monitor_state.to_json(known), NOW) == known
    assert monitor_state.from_json(monitor_state.to_json(other), NOW) == known


@given(
    some.dictionaries(
        some.sampled_from(["trusted", "asked", "network_seen", "swarm_pending", "docker_restarts"]), anything
    )
    | anything
)
def test_nothing_that_is_written_there_can_do_harm(found: object) -> None:
    known = monitor_state.from_json(json.dumps(found), NOW)
    assert known.trusted in {True, False}
    for after, times in known.attempts.values():
        assert after <= NOW + MAX_PAUSE_S
        assert times > 0


@pytest.mark.parametrize("text", [None, "", "{", "[" * 100_000, "{}", '{"trusted": true}'])
def test_what_is_lost_or_cut_off_is_nothing(text: str | None) -> None:
    assert monitor_state.from_json(text, NOW) == MonitorState()


def test_the_file_is_for_root_and_written_only_when_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "run" / "monitor.json"
    assert monitor_state.load(NOW, path) == MonitorState()
    monitor_state.save(MonitorState(trusted=True), path)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.stat().st_ino
    monitor_state.save(MonitorState(trusted=True, unanswered=2), path)
    assert path.stat().st_ino == before
    assert monitor_state.load(NOW, path) == MonitorState(trusted=True)


def test_a_full_disk_does_not_stop_the_monitor(tmp_path: Path) -> None:
    path = tmp_path / "monitor.json"
    path.mkdir()
    monitor_state.save(MonitorState(trusted=True), path)
    assert monitor_state.load(NOW, path) == MonitorState()
