# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input to what runs on the Pi: it is said, it opens no door, and vpn-monitor goes on.

While it lasts, the prober tries every way out, and what crosses the uplink is captured.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import houses
import observer
import pytest
import sightings
from stage import Stage
from test_1_leaks import OUTER_LETS, count

HOLD = "/run/mediaserver/hold"
PATIENCE_S = 40
SHUT_S = 10


@pytest.fixture
def closed(stage: Stage, request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing leaves in clear until the house is well again."""
    stage.wait_until_well()
    stage.forget()
    with observer.watching(stage.house, f"healing {request.node.name}") as capture:
        with stage.knocking():
            yield
            stage.wait_until_well()
        assert stage.namespace() in stage.rounds(), "nothing was tried"
    lets = OUTER_LETS if request.node.get_closest_marker("newborn") else set()
    assert {name: times for name, times in count(stage, capture).items() if name not in lets} == {}
    assert [str(packet) for packet in sightings.strange(capture.path.read_bytes(), stage.house)] == []
    assert capture.packets("udp port 51820"), "the observer saw nothing at all"
    capture.path.unlink()


@pytest.fixture
def monitor(stage: Stage, closed: None) -> Iterator[str]:
    """The monitor's process, which must be the same one at the end."""
    before = pid(stage)
    yield before
    assert pid(stage) == before, "vpn-monitor was ended"


def pid(stage: Stage) -> str:
    return stage.pi("systemctl show --property MainPID --value vpn-monitor").strip()


def state(stage: Stage) -> dict[str, Any]:
    return dict(json.loads(stage.pi("cat /run/mediaserver/vpn.json")))


def wait_for(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.5)


def journal(stage: Stage, since: str) -> str:
    return stage.pi(f"journalctl --no-pager --output cat --unit vpn-monitor --since '{since}'")


def stamp(stage: Stage) -> str:
    return stage.pi("date '+%Y-%m-%d %H:%M:%S'").strip()


def leaving(stage: Stage) -> str:
    return stage.inside("nft --stateless list chain inet mediaserver_inner leaving")


def test_an_edited_table_is_loaded_again(stage: Stage, monitor: str) -> None:
    before = leaving(stage)
    stage.inside("nft insert rule inet mediaserver_inner leaving oifname eth0 udp dport 9 accept")
    assert leaving(stage) != before
    wait_for(lambda: leaving(stage) == before, "the inner barrier as written")


def test_nobody_else_can_change_the_outer_barrier(stage: Stage, monitor: str) -> None:
    refused = stage.pi("nft add rule inet mediaserver_barrier from_vpn accept 2>&1 || true")
    assert "Operation not permitted" in refused


@pytest.mark.parametrize(
    ("contents", "rights"),
    [
        ('{"owner": "mallory", "deadline": 1e12}', "0644"),  # further away than anybody may ask for
        ('{"owner": "mallory", "deadline": 60}', "0666"),  # anybody could have written it
        ('{"owner": "ansible", "deadline": 1}', "0644"),  # of a run that was aborted long ago
        ("nonsense", "0644"),
    ],
    ids=["too far away", "anybody's", "expired", "unreadable"],
)
def test_a_stale_or_forged_hold_holds_nothing(stage: Stage, monitor: str, contents: str, rights: str) -> None:
    since = stamp(stage)
    stage.pi(f"cat > {HOLD}.new && chmod {rights} {HOLD}.new && mv {HOLD}.new {HOLD}", stdin=contents)
    try:
        stage.pi("docker stop --time 2 wireguard")
        wait_for(lambda: stage.problems() == [], "the tunnel back")
        told = journal(stage, since)
        assert "hold " in told, told
        assert "is ignored" in told or "has expired" in told
    finally:
        stage.pi(f"rm -f {HOLD}")


def test_a_hold_keeps_the_monitors_hands_off_and_ends_by_itself(stage: Stage, monitor: str) -> None:
    stage.pi("/opt/mediaserver/scripts/vpn-gateway apply --hold 12 && docker stop --time 2 wireguard")
    time.sleep(6)
    assert any("wireguard is exited" in problem for problem in stage.problems()), "it was started in spite of the hold"
    wait_for(lambda: stage.problems() == [], "the tunnel back after the hold's end")


def test_without_dockers_socket_the_monitor_waits(stage: Stage, monitor: str) -> None:
    stage.pi("mv /run/docker.sock /run/docker.sock.away")
    try:
        wait_for(lambda: "Docker does not answer at" in "".join(state(stage)["problems"]), "a word about Docker")
    finally:
        stage.pi("mv /run/docker.sock.away /run/docker.sock")
    wait_for(lambda: state(stage)["state"] == "online", "online")


def test_a_corrupt_state_file_is_made_anew(stage: Stage, monitor: str) -> None:
    path = "/var/lib/mediaserver/vpn/endpoints.json"
    stage.pi(f"echo nonsense > {path}; /opt/mediaserver/scripts/vpn-gateway apply")
    assert set(json.loads(stage.pi(f"cat {path}"))) == {"active", "addresses"}
    wait_for(lambda: stage.problems() == [], "all as before")


def test_a_house_without_internet_is_waited_for(stage: Stage, monitor: str) -> None:
    def untouched() -> tuple[str, str]:
        return state(stage)["peer"], stage.pi("docker inspect --format '{{.State.StartedAt}}' wireguard")

    since, before = stamp(stage), untouched()
    with stage.no_line():
        wait_for(lambda: state(stage)["state"] == "offline", "a word about the house's line")
        time.sleep(SHUT_S)
        assert state(stage)["state"] == "offline"
    wait_for(lambda: state(stage)["state"] == "online", "online")
    assert untouched() == before, journal(stage, since)


@pytest.mark.newborn
def test_a_broken_inner_table_stops_the_holder(stage: Stage, monitor: str) -> None:
    file = "/opt/mediaserver/gateway/run/holder/inner.nft"
    since = stage.pi("date +%s").strip()
    stage.pi(f"cp -p {file} /run/inner.kept && echo nonsense > {file} && docker restart --time 2 vpn || true")
    try:
        told = "vpn: the inner barrier could not be loaded; nothing may start in this namespace"
        wait_for(lambda: told in stage.pi(f"docker logs --since {since} vpn 2>&1"), "the holder's own words")
        # It may be whole again a moment later: the monitor writes it anew whenever something in it changes.
        wait_for(lambda: int(stage.pi("docker inspect --format '{{.RestartCount}}' vpn")) > 0, "the holder's end")
    finally:
        stage.pi(f"cat /run/inner.kept > {file}")


@pytest.mark.newborn
def test_without_a_barrier_docker_does_not_start(stage: Stage, closed: None) -> None:
    library = "/opt/mediaserver/lib/mediaserver/barrier.py"
    stage.pi(
        f"cp -p {library} {library}.kept && echo 'def render_outer(s, owned=False): return \"nonsense\"' >> {library}"
    )
    try:
        houses.reboot_pi(stage.house)
        told = stage.pi("journalctl --no-pager --output cat --boot --unit mediaserver-barrier")
        assert "the outer barrier could not be loaded, so Docker must not start" in told
        active = stage.pi("systemctl is-active docker mediaserver || true").split()
        assert "active" not in active, active
    finally:
        stage.pi(f"mv {library}.kept {library}")
        houses.reboot_pi(stage.house)
