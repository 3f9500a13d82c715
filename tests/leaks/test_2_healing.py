# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input to the programs on the Pi: they report it, nothing leaks, and vpn-monitor keeps running.

During each test the prober sends its probes and the uplink is captured.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import households
import outages
import pytest
from lab_control import LabControl
from probes import UDP_PORT
from waiting import PATIENCE_S, wait_for
from watch import TO_AN_ENDPOINT, watching

HOLD = "/run/mediaserver/hold"
RUN_S = 180  # the longest time until a playbook run pauses vpn-monitor
OFFLINE_S = 10
OBSERVATIONS_S = 6  # more than two observations of vpn-monitor


@pytest.fixture
def no_leaks(lab: LabControl, request: pytest.FixtureRequest) -> Iterator[None]:
    """No packet in clear until the household is healthy again."""
    lab.wait_until_healthy()
    permitted = TO_AN_ENDPOINT if request.node.get_closest_marker("new_namespace") else {}
    with watching(lab, f"healing {request.node.name}", permitted=permitted) as watch:
        yield
        lab.wait_until_healthy()
    watch.assert_no_leaks()


@pytest.fixture
def monitor(lab: LabControl, no_leaks: None) -> Iterator[str]:
    """The process id of vpn-monitor, which must be the same at the end."""
    before = lab.monitor_pid()
    yield before
    assert lab.monitor_pid() == before, "vpn-monitor was ended"


def uptime(lab: LabControl) -> float:
    """Return the Pi's uptime in seconds, the clock of a hold's deadline."""
    return float(lab.pi("cut -d ' ' -f 1 /proc/uptime"))


def journal(lab: LabControl, since: str) -> str:
    return lab.pi(f"journalctl --no-pager --output cat --unit vpn-monitor --since '{since}'")


def stamp(lab: LabControl) -> str:
    return lab.pi("date '+%Y-%m-%d %H:%M:%S'").strip()


def leaving(lab: LabControl) -> str:
    return lab.inside("nft --stateless list chain inet mediaserver_inner leaving")


def test_reloads_inner_table_that_was_edited(lab: LabControl, monitor: str) -> None:
    before = leaving(lab)
    # A port of the prober: the outer barrier drops these packets now.
    lab.inside(f"nft insert rule inet mediaserver_inner leaving oifname eth0 udp dport {UDP_PORT} accept")
    assert leaving(lab) != before
    wait_for(lambda: leaving(lab) == before, "the inner barrier as written")


def test_outer_table_rejects_changes_by_other_processes(lab: LabControl, monitor: str) -> None:
    refused = lab.pi("nft add rule inet mediaserver_barrier from_vpn accept 2>&1 || true")
    assert "Operation not permitted" in refused


@pytest.mark.parametrize(
    ("seconds", "rights", "words"),
    [
        (1e12, "0644", "hold by forger is ignored: its deadline is further away than 3600 s"),
        (600, "0666", "hold is ignored: it is not a file that only root can write"),
        (-1, "0644", "hold by forger has expired"),
        ("nonsense", "0644", "hold is ignored: it cannot be read"),
    ],
    ids=["too long", "writable by all", "expired", "unreadable"],
)
def test_ignores_invalid_hold(lab: LabControl, monitor: str, seconds: float | str, rights: str, words: str) -> None:
    since = stamp(lab)
    contents = (
        seconds if isinstance(seconds, str) else json.dumps({"owner": "forger", "deadline": uptime(lab) + seconds})
    )
    lab.pi(f"cat > {HOLD}.new && chmod {rights} {HOLD}.new && mv {HOLD}.new {HOLD}", stdin=contents)
    try:
        lab.pi("docker stop --time 2 mediaserver-wireguard-1")
        wait_for(lambda: lab.problems() == [], "the tunnel works")
        log = journal(lab, since)
        assert words in log, log
    finally:
        lab.pi(f"rm -f {HOLD}")


def test_hold_pauses_monitor_until_deadline(lab: LabControl, monitor: str) -> None:
    lab.pi("/opt/mediaserver/scripts/vpn-gateway apply --hold 12 && docker stop --time 2 mediaserver-wireguard-1")
    time.sleep(6)
    assert any("wireguard is exited" in problem for problem in lab.problems()), "it was started in spite of the hold"
    wait_for(lambda: lab.problems() == [], "the tunnel works after the hold's deadline")


def test_monitor_recovers_after_run_aborted_during_hold(lab: LabControl, no_leaks: None) -> None:
    lab.converge()  # so that the run below has no program to restart, whatever an earlier test has changed
    before = lab.monitor_pid()
    lab.pi(f"rm -f {HOLD}")
    try:
        with lab.converging("--extra-vars", "gateway_mtu=1360"):
            wait_for(lambda: lab.pi(f"cat {HOLD} 2>/dev/null || true") != "", "the run's hold", RUN_S)
        hold = json.loads(lab.pi(f"cat {HOLD}"))
        assert hold["owner"] == "ansible" and hold["deadline"] > uptime(lab) + PATIENCE_S, hold
        # Shorten the hold of the run, which lasts for minutes: vpn-monitor repairs nothing before its deadline.
        lab.pi("/opt/mediaserver/scripts/vpn-gateway hold 5 && docker stop --time 2 mediaserver-wireguard-1")
        wait_for(lambda: lab.problems() == [], "the tunnel works after the hold's deadline")
        assert lab.monitor_pid() == before, "vpn-monitor was restarted"
    finally:
        lab.converge()


def test_monitor_reports_missing_docker_socket_and_waits(lab: LabControl, monitor: str) -> None:
    lab.pi("mv /run/docker.sock /run/docker.sock.away")
    try:
        code, text = "docker-silent", "Docker does not answer at"
        wait_for(
            lambda: any(one["code"] == code and text in one["text"] for one in lab.monitor_state()["problems"]),
            f"{code} in the state file",
        )
    finally:
        lab.pi("mv /run/docker.sock.away /run/docker.sock")
    wait_for(lambda: lab.monitor_state()["state"] == "online", "online")


def test_recreates_corrupt_state_file(lab: LabControl, monitor: str) -> None:
    path = "/var/lib/mediaserver/vpn/endpoints.json"
    before = lab.pi(f"cat {path}")
    lab.pi(f"echo nonsense > {path}")
    time.sleep(OBSERVATIONS_S)
    assert lab.problems() == [], "the corrupt file has an effect"
    output = lab.pi("/opt/mediaserver/scripts/vpn-gateway apply 2>&1")
    assert f"{path} could not be read, and is replaced" in output
    assert set(json.loads(lab.pi(f"cat {path}"))) == set(json.loads(before)) == {"active", "addresses"}
    wait_for(lambda: lab.problems() == [], "no problem")


def test_leaves_tunnel_alone_while_host_is_offline(lab: LabControl, monitor: str) -> None:
    def untouched() -> tuple[str, str]:
        return lab.monitor_state()["peer"], lab.pi(
            "docker inspect --format '{{.State.StartedAt}}' mediaserver-wireguard-1"
        )

    since, before = stamp(lab), untouched()
    with outages.no_internet(lab):
        wait_for(lambda: lab.monitor_state()["state"] == "offline", "state offline")
        time.sleep(OFFLINE_S)
        assert lab.monitor_state()["state"] == "offline"
    wait_for(lambda: lab.monitor_state()["state"] == "online", "online")
    assert untouched() == before, journal(lab, since)


@pytest.mark.new_namespace
def test_broken_inner_table_stops_holder(lab: LabControl, monitor: str) -> None:
    file = "/opt/mediaserver/gateway/run/holder/inner.nft"
    since = lab.pi("date +%s").strip()
    lab.pi(
        f"cp -p {file} /run/inner.kept && echo nonsense > {file} && docker restart --time 2 mediaserver-vpn-1 || true"
    )
    try:
        message = "vpn: the inner barrier could not be loaded; nothing may start in this namespace"
        wait_for(
            lambda: message in lab.pi(f"docker logs --since {since} mediaserver-vpn-1 2>&1"), "the holder's message"
        )
        # Not by the file: vpn-monitor writes it again when its content changes.
        wait_for(
            lambda: int(lab.pi("docker inspect --format '{{.RestartCount}}' mediaserver-vpn-1")) > 0,
            "a restart of the holder",
        )
    finally:
        lab.pi(f"cat /run/inner.kept > {file}")


@pytest.mark.new_namespace
def test_docker_does_not_start_without_barrier(lab: LabControl, no_leaks: None) -> None:
    library = "/opt/mediaserver/lib/mediaserver/firewall/barrier.py"
    lab.pi(
        f"cp -p {library} {library}.kept && echo 'def render_outer(s, owned=False): return \"nonsense\"' >> {library}"
    )
    try:
        households.reboot_pi(lab.household)
        log = lab.pi("journalctl --no-pager --output cat --boot --unit mediaserver-barrier")
        assert "the outer barrier could not be loaded, so Docker must not start" in log
        assert "To use Docker without this stack" in log
        active = lab.pi("systemctl is-active docker mediaserver || true").split()
        assert "active" not in active, active
    finally:
        lab.pi(f"mv {library}.kept {library}")
        households.reboot_pi(lab.household)
