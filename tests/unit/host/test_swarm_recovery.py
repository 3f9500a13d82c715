# SPDX-License-Identifier: GPL-3.0-or-later
"""Torrents after an interruption of the tunnel: an announcement first, a restart only without peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mediaserver._core.errors import TooLong, Unreachable
from mediaserver._core.transport import UrlHttp
from mediaserver._transmission.client import TransmissionClient
from mediaserver.monitor import torrents as tending
from mediaserver.monitor.problems import Code
from mediaserver.monitor.steps import Act, Step

PATIENCE = tending.SWARM_PATIENCE_S
SILENT = {"lastAnnounceSucceeded": False, "seederCount": -1}
HEARD = {"lastAnnounceSucceeded": True, "seederCount": 0}
SEEDED = {"lastAnnounceSucceeded": True, "seederCount": 3}


def torrent(
    *trackers: dict[str, object], status: int = 4, peers: int = 0, number: int = 1, per_look: int = 0
) -> dict[str, Any]:
    """``per_look`` bytes come between two looks at it."""
    told = {"id": number, "status": status, "peersConnected": peers, "trackerStats": list(trackers)}
    return {**told, "downloadedEver": 1000, "per look": per_look}


class Transmission(TransmissionClient):
    """Holds these torrents, and notes what it is asked; ``absent`` answers are still missing at first."""

    def __init__(self, torrents: list[dict[str, Any]], absent: int = 0) -> None:
        super().__init__(UrlHttp(), "http://127.0.0.1:1/")
        self.held, self.absent = torrents, absent
        self.asked: list[str] = []

    def call(self, method: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        if self.absent:
            self.absent -= 1
            raise Unreachable("connection refused", refused=True)
        self.asked.append(method)
        if method != "torrent-get":
            return {}
        told = [{field: one[field] for field in (arguments or {})["fields"]} for one in self.held]
        for one in self.held:
            one["downloadedEver"] += one["per look"]
        return {"torrents": told}


class Repairs:
    def __init__(self, failures: int = 0) -> None:
        self.steps: list[Step] = []
        self.failures = failures

    def do(self, step: Step) -> bool:
        self.steps.append(step)
        return len(self.steps) > self.failures


def follow(
    monkeypatch: pytest.MonkeyPatch, found: Transmission, *looks: tuple[float, bool], failures: int = 0
) -> list[Step]:
    repairs = Repairs(failures)
    monkeypatch.setattr(tending, "transmission", lambda root: found)
    swarm = tending.SwarmRecovery(Path("/nowhere"))
    for now, alive in looks:
        swarm.refresh(now, repairs.do, service="transmission", alive=alive)
    return repairs.steps


LOOKS = ((0.0, False), (10.0, True), (10.0 + PATIENCE - 1, True), (10.0 + PATIENCE, True), (900.0, True))


@pytest.mark.parametrize(
    ("torrents", "restarts"),
    [
        ([torrent(SILENT)], 1),
        ([torrent(SILENT, SILENT), torrent(SILENT, status=6)], 1),
        ([torrent(SILENT, HEARD)], 0),
        ([torrent(SILENT), torrent(HEARD)], 0),
        ([torrent(SILENT, peers=1, per_look=1)], 0),
        ([torrent(SEEDED, peers=1)], 1),
        ([torrent(SEEDED, peers=1), torrent(SEEDED, peers=1, number=2, per_look=1)], 0),
        ([torrent(SEEDED, status=6, peers=1)], 0),
        ([torrent(SEEDED)], 1),
        ([torrent(SEEDED, status=6)], 0),  # a seed does not miss seeds
        ([torrent(SEEDED), torrent(SEEDED, number=2, peers=1, per_look=1)], 0),
        ([torrent(SILENT, status=0)], 0),  # stopped: it wants no peers
        ([torrent()], 0),  # without trackers
        ([], 0),
    ],
    ids=[
        "alone",
        "all alone",
        "one of its trackers",
        "another one's",
        "a peer",
        "a peer of whom nothing comes",
        "one of whom something comes",
        "a seed's peer",
        "seeds",
        "a seed",
        "another's peer",
        "stopped",
        "no tracker",
        "no torrent",
    ],
)
def test_transmission_restarts_only_without_peers(
    monkeypatch: pytest.MonkeyPatch, torrents: list[dict[str, Any]], restarts: int
) -> None:
    found = Transmission(torrents)
    steps = follow(monkeypatch, found, *LOOKS)
    assert [(step.act, step.targets) for step in steps] == [(Act.RESTART, ("transmission",))] * restarts
    assert found.asked == ["torrent-get", "torrent-reannounce", "torrent-get"]


def test_a_download_that_was_finished_meanwhile_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Transmission([torrent(SEEDED, peers=1), torrent(SEEDED, peers=1, number=2)])
    repairs = Repairs()
    monkeypatch.setattr(tending, "transmission", lambda root: found)
    swarm = tending.SwarmRecovery(Path("/nowhere"))
    swarm.refresh(0.0, repairs.do, service="transmission", alive=False)
    swarm.refresh(1.0, repairs.do, service="transmission", alive=True)
    found.held[0]["status"] = 6
    swarm.refresh(1.0 + PATIENCE, repairs.do, service="transmission", alive=True)
    assert repairs.steps == []


def test_while_the_tunnel_is_up_no_request_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Transmission([torrent(SILENT)])
    assert follow(monkeypatch, found, (0.0, True), (100.0, True)) == []
    assert found.asked == []


def test_a_tunnel_that_goes_away_again_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Transmission([torrent(SILENT)])
    looks = ((0.0, False), (1.0, True), (2.0, False), (1.0 + PATIENCE, True))
    assert follow(monkeypatch, found, *looks) == []
    assert found.asked == ["torrent-get", "torrent-reannounce"] * 2


def test_what_was_not_judged_before_a_new_start_is_judged_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found, repairs = Transmission([torrent(SILENT)]), Repairs()
    monkeypatch.setattr(tending, "transmission", lambda root: found)
    first = tending.SwarmRecovery(Path("/nowhere"))
    assert not first.pending
    first.refresh(0.0, repairs.do, service="transmission", alive=False)
    first.refresh(1.0, repairs.do, service="transmission", alive=True)
    second = tending.SwarmRecovery(Path("/nowhere"), first.pending)
    second.refresh(5.0, repairs.do, service="transmission", alive=True)
    assert second.pending
    second.refresh(5.0 + PATIENCE, repairs.do, service="transmission", alive=True)
    assert (len(repairs.steps), second.pending) == (1, False)


def test_a_transmission_that_is_only_starting_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Transmission([torrent(SILENT)], absent=2)
    steps = follow(monkeypatch, found, (0.0, False), (1.0, True), (2.0, True), (3.0, True), (3.0 + PATIENCE, True))
    assert found.asked == ["torrent-get", "torrent-reannounce", "torrent-get"]
    assert len(steps) == 1


@pytest.mark.parametrize("long_from", [0, 1], ids=["before the announcement", "after it"])
def test_an_answer_that_is_too_long_is_a_problem_and_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, long_from: int
) -> None:
    found, repairs = Transmission([torrent(SILENT)]), Repairs()
    whole = found.call
    asked: list[str] = []

    def call(method: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        if method == "torrent-get" and asked.count(method) >= long_from:
            asked.append(method)
            raise TooLong("the answer is longer than 1 bytes")
        asked.append(method)
        return whole(method, arguments)

    monkeypatch.setattr(found, "call", call)
    monkeypatch.setattr(tending, "transmission", lambda root: found)
    swarm = tending.SwarmRecovery(Path("/opt/mediaserver"))

    def interrupt(start: float) -> None:
        swarm.refresh(start, repairs.do, service="transmission", alive=False)
        for now in (start + 1, start + 2, start + 1 + PATIENCE, start + 900):
            swarm.refresh(now, repairs.do, service="transmission", alive=True)

    interrupt(0.0)
    assert asked == ["torrent-get", "torrent-reannounce", "torrent-get"][: 2 + long_from]
    assert swarm.found is not None
    assert swarm.found.code is Code.TORRENTS_UNREAD
    assert "sudo docker compose --project-directory /opt/mediaserver restart transmission" in swarm.found.text
    assert (repairs.steps, swarm.pending) == ([], False)
    monkeypatch.setattr(found, "call", whole)
    interrupt(1000.0)
    assert swarm.found is None
    assert len(repairs.steps) == 1


def test_peers_are_not_checked_in_a_round_with_another_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    found, repairs = Transmission([torrent(SILENT)]), Repairs()
    monkeypatch.setattr(tending, "transmission", lambda root: found)
    swarm = tending.SwarmRecovery(Path("/nowhere"))
    swarm.refresh(0.0, repairs.do, service="transmission", alive=False)
    swarm.refresh(1.0, repairs.do, service="transmission", alive=True, idle=False)
    swarm.refresh(1.0 + PATIENCE, repairs.do, service="transmission", alive=True, idle=False)
    assert (found.asked, repairs.steps) == (["torrent-get", "torrent-reannounce"], [])
    swarm.refresh(2.0 + PATIENCE, repairs.do, service="transmission", alive=True)
    assert len(repairs.steps) == 1


def test_a_new_start_that_fails_is_tried_again_a_while_later(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = ((0.0, False), *((float(now), True) for now in range(1, 100)))
    assert len(follow(monkeypatch, Transmission([torrent(SILENT)]), *looks, failures=2)) == 3
