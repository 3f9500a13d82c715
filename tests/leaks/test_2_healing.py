# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input to what runs on the Pi: it is said, it opens no door, and vpn-monitor goes on.

While it lasts, the prober tries every way out, and what crosses the uplink is captured.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import houses
import outages
import pytest
from probes import UDP_PORT
from stage import Stage
from waiting import PATIENCE_S, wait_for
from watch import TO_AN_ENDPOINT, watching

HOLD = "/run/mediaserver/hold"
RUN_S = 180  # what a run takes at most until it holds
SHUT_S = 10
LOOKS_S = 6  # long enough for the monitor to look at everything more than once


@pytest.fixture
def closed(stage: Stage, request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing leaves in clear until the house is well again."""
    stage.wait_until_well()
    lets = TO_AN_ENDPOINT if request.node.get_closest_marker("newborn") else {}
    with watching(stage, f"healing {request.node.name}", lets=lets) as watch:
        yield
        stage.wait_until_well()
    watch.assert_shut()


@pytest.fixture
def monitor(stage: Stage, closed: None) -> Iterator[str]:
    """The monitor's process, which must be the same one at the end."""
    before = stage.monitor_pid()
    yield before
    assert stage.monitor_pid() == before, "vpn-monitor was ended"


def uptime(stage: Stage) -> float:
    """Seconds of the kernel, as a hold's deadline is."""
    return float(stage.pi("cut -d ' ' -f 1 /proc/uptime"))


def journal(stage: Stage, since: str) -> str:
    return stage.pi(f"journalctl --no-pager --output cat --unit vpn-monitor --since '{since}'")


def stamp(stage: Stage) -> str:
    return stage.pi("date '+%Y-%m-%d %H:%M:%S'").strip()


def leaving(stage: Stage) -> str:
    return stage.inside("nft --stateless list chain inet mediaserver_inner leaving")


def test_an_edited_table_is_loaded_again(stage: Stage, monitor: str) -> None:
    before = leaving(stage)
    # Where the prober sends: the outer barrier has it then.
    stage.inside(f"nft insert rule inet mediaserver_inner leaving oifname eth0 udp dport {UDP_PORT} accept")
    assert leaving(stage) != before
    wait_for(lambda: leaving(stage) == before, "the inner barrier as written")


def test_nobody_else_can_change_the_outer_barrier(stage: Stage, monitor: str) -> None:
    refused = stage.pi("nft add rule inet mediaserver_barrier from_vpn accept 2>&1 || true")
    assert "Operation not permitted" in refused


@pytest.mark.parametrize(
    ("seconds", "rights", "words"),
    [
        (1e12, "0644", "hold by mallory is ignored: its deadline is further away than 3600 s"),
        (600, "0666", "hold is ignored: it is not a file that only root can write"),
        (-1, "0644", "hold by mallory has expired"),
        ("nonsense", "0644", "hold is ignored: it cannot be read"),
    ],
    ids=["too far away", "anybody's", "expired", "unreadable"],
)
def test_a_stale_or_forged_hold_holds_nothing(
    stage: Stage, monitor: str, seconds: float | str, rights: str, words: str
) -> None:
    since = stamp(stage)
    contents = (
        seconds if isinstance(seconds, str) else json.dumps({"owner": "mallory", "deadline": uptime(stage) + seconds})
    )
    stage.pi(f"cat > {HOLD}.new && chmod {rights} {HOLD}.new && mv {HOLD}.new {HOLD}", stdin=contents)
    try:
        stage.pi("docker stop --time 2 mediaserver-wireguard-1")
        wait_for(lambda: stage.problems() == [], "the tunnel back")
        told = journal(stage, since)
        assert words in told, told
    finally:
        stage.pi(f"rm -f {HOLD}")


def test_a_hold_keeps_the_monitors_hands_off_and_ends_by_itself(stage: Stage, monitor: str) -> None:
    stage.pi("/opt/mediaserver/scripts/vpn-gateway apply --hold 12 && docker stop --time 2 mediaserver-wireguard-1")
    time.sleep(6)
    assert any("wireguard is exited" in problem for problem in stage.problems()), "it was started in spite of the hold"
    wait_for(lambda: stage.problems() == [], "the tunnel back after the hold's end")


def test_a_run_that_is_aborted_while_it_holds_leaves_the_house_to_the_monitor(stage: Stage, closed: None) -> None:
    before = stage.monitor_pid()
    stage.pi(f"rm -f {HOLD}")
    try:
        with stage.converging("--extra-vars", "gateway_mtu=1360"):
            wait_for(lambda: stage.pi(f"cat {HOLD} 2>/dev/null || true") != "", "the run's hold", RUN_S)
        hold = json.loads(stage.pi(f"cat {HOLD}"))
        assert hold["owner"] == "ansible" and hold["deadline"] > uptime(stage) + PATIENCE_S, hold
        # As long as it holds, nothing is mended; what comes next is what comes when it is over.
        stage.pi("/opt/mediaserver/scripts/vpn-gateway hold 5 && docker stop --time 2 mediaserver-wireguard-1")
        wait_for(lambda: stage.problems() == [], "the tunnel back after the hold's end")
        assert stage.monitor_pid() == before, "vpn-monitor was ended"
    finally:
        stage.converge()


def test_without_dockers_socket_the_monitor_waits(stage: Stage, monitor: str) -> None:
    stage.pi("mv /run/docker.sock /run/docker.sock.away")
    try:
        told = ("docker-silent", "Docker does not answer at")
        wait_for(
            lambda: any(one["code"] == told[0] and told[1] in one["text"] for one in stage.told()["problems"]),
            "a word about Docker",
        )
    finally:
        stage.pi("mv /run/docker.sock.away /run/docker.sock")
    wait_for(lambda: stage.told()["state"] == "online", "online")


def test_a_corrupt_state_file_is_made_anew(stage: Stage, monitor: str) -> None:
    path = "/var/lib/mediaserver/vpn/endpoints.json"
    before = stage.pi(f"cat {path}")
    stage.pi(f"echo nonsense > {path}")
    time.sleep(LOOKS_S)
    assert stage.problems() == [], "what cannot be read has done harm"
    told = stage.pi("/opt/mediaserver/scripts/vpn-gateway apply 2>&1")
    assert f"{path} could not be read, and is made anew" in told
    assert set(json.loads(stage.pi(f"cat {path}"))) == set(json.loads(before)) == {"active", "addresses"}
    wait_for(lambda: stage.problems() == [], "all as before")


def test_a_house_without_internet_is_waited_for(stage: Stage, monitor: str) -> None:
    def untouched() -> tuple[str, str]:
        return stage.told()["peer"], stage.pi("docker inspect --format '{{.State.StartedAt}}' mediaserver-wireguard-1")

    since, before = stamp(stage), untouched()
    with outages.no_line(stage):
        wait_for(lambda: stage.told()["state"] == "offline", "a word about the house's line")
        time.sleep(SHUT_S)
        assert stage.told()["state"] == "offline"
    wait_for(lambda: stage.told()["state"] == "online", "online")
    assert untouched() == before, journal(stage, since)


@pytest.mark.newborn
def test_a_broken_inner_table_stops_the_holder(stage: Stage, monitor: str) -> None:
    file = "/opt/mediaserver/gateway/run/holder/inner.nft"
    since = stage.pi("date +%s").strip()
    stage.pi(
        f"cp -p {file} /run/inner.kept && echo nonsense > {file} && docker restart --time 2 mediaserver-vpn-1 || true"
    )
    try:
        told = "vpn: the inner barrier could not be loaded; nothing may start in this namespace"
        wait_for(
            lambda: told in stage.pi(f"docker logs --since {since} mediaserver-vpn-1 2>&1"), "the holder's own words"
        )
        # It may be whole again a moment later: the monitor writes it anew whenever something in it changes.
        wait_for(
            lambda: int(stage.pi("docker inspect --format '{{.RestartCount}}' mediaserver-vpn-1")) > 0,
            "the holder's end",
        )
    finally:
        stage.pi(f"cat /run/inner.kept > {file}")


@pytest.mark.newborn
def test_without_a_barrier_docker_does_not_start(stage: Stage, closed: None) -> None:
    library = "/opt/mediaserver/lib/mediaserver/firewall/barrier.py"
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
