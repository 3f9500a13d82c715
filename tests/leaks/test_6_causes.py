# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that are not the provider's: vpn-monitor, vpn-verify and the playbook name the cause, without a failover."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import playbook
import pytest
import topology
from engine import docker
from lab_control import LabControl
from outages import no_internet
from test_4_verify import check
from waiting import wait_for

pytestmark = pytest.mark.full
PATIENCE_S = 90
# Longer than the time until vpn-monitor would change the server.
FAILOVER_S = 45
DAEMON_JSON = "/etc/docker/daemon.json"

# The tasks of roles/gateway/tasks/report.yml that print the summary.
SUMMARY_TASKS = (
    "Show the state of the tunnel, the addresses and the next step",
    "Refuse a tunnel that is down because of the household's settings",
)


def codes(lab: LabControl) -> list[str]:
    return [problem["code"] for problem in lab.monitor_state()["problems"]]


def text(lab: LabControl, code: str) -> str:
    return next(problem["text"] for problem in lab.monitor_state()["problems"] if problem["code"] == code)


def wait_for_code(lab: LabControl, code: str) -> None:
    wait_for(lambda: code in codes(lab), f"{code} in the state file", PATIENCE_S)


def untouched(lab: LabControl) -> tuple[Any, ...]:
    """Return what a failover, a restart or a change of the forwarded port would change."""
    state = lab.monitor_state()
    started = lab.pi("docker inspect --format '{{.State.StartedAt}}' $(docker ps --quiet --no-trunc) | sort")
    return state["endpoint"], state["steps"], state["forwarded_port"], started


def summary(found: playbook.Run) -> str:
    """Return the summary at the end of a run, printed or as the message of a failure."""
    (shown,) = [task.result["msg"] for task in found.tasks if task.name.endswith(SUMMARY_TASKS) and not task.skipped]
    return shown if isinstance(shown, str) else "\n".join(shown)


@pytest.fixture(autouse=True)
def healthy(lab: LabControl) -> Iterator[None]:
    lab.wait_until_healthy()
    wait_for(
        lambda: (lab.monitor_state()["state"], lab.monitor_state()["problems"]) == ("online", []),
        "no problem",
        PATIENCE_S,
    )
    yield
    lab.wait_until_healthy()


def test_run_ends_with_summary_of_tunnel_addresses_and_next_step(lab: LabControl) -> None:
    found = lab.run_site()
    assert found.ok, found.failures
    assert not found.changed
    lines = summary(found).splitlines()
    assert lines[0] == f"Tunnel: up, through server {lab.monitor_state()['peer']} ({lab.monitor_state()['endpoint']})."
    pages = ", ".join(
        f"{name} http://{lab.household.pi}:{port}"
        for name, port in (("Transmission", 9091), ("Jackett", 9117), ("Jellyfin", 8096))
    )
    assert lines[1] == f"Open: {pages}"
    assert lines[2].startswith("Next: log in as ")
    predicted = lab.run_site("--check")
    assert predicted.ok, predicted.failures
    assert summary(predicted).splitlines()[0] == lines[0]


def test_monitor_enables_forwarding_again_without_failover(lab: LabControl) -> None:
    before = lab.monitor_state()
    lab.pi("sysctl -w net.ipv4.ip_forward=0")
    wait_for(lambda: lab.pi("cat /proc/sys/net/ipv4/ip_forward").strip() == "1", "forwarding", 20)
    lab.wait_until_healthy()
    wait_for(lambda: lab.monitor_state()["problems"] == [], "no problem", PATIENCE_S)
    state = lab.monitor_state()
    assert state["last_step"]["act"] == "switch on IPv4 forwarding"
    assert (state["endpoint"], state["steps"]) == (before["endpoint"], before["steps"] + 1)


def test_verify_names_disabled_forwarding_and_run_enables_it(lab: LabControl) -> None:
    lab.pi("systemctl stop vpn-monitor && sysctl -w net.ipv4.ip_forward=0")
    _passed, lines = check(lab)
    assert any(
        line.startswith("FAIL  host: IPv4 forwarding is off on this host (net.ipv4.ip_forward)") for line in lines
    )
    assert any(
        "is not reached through the tunnel: the tunnel carries no traffic: IPv4 forw" in line for line in lines
    ), lines
    found = lab.run_site()
    assert found.ok, found.failures
    assert lab.pi("cat /proc/sys/net/ipv4/ip_forward").strip() == "1"


@contextmanager
def dead_resolver() -> Iterator[None]:
    """Drop every query at the provider's resolver; other packets in the tunnel pass."""
    rules = (
        "table ip dead_resolver { chain lost { type filter hook input priority -10; iifname wg0 udp dport 53 drop; }; }"
    )
    for provider in topology.PROVIDERS:
        docker("exec", provider.name, "nft", rules)
    try:
        yield
    finally:
        for provider in topology.PROVIDERS:
            docker("exec", provider.name, "nft", "delete", "table", "ip", "dead_resolver")


def test_dead_resolver_is_reported_without_failover(lab: LabControl) -> None:
    before = untouched(lab)
    with dead_resolver():
        wait_for_code(lab, "resolver-dead")
        deadline = time.monotonic() + FAILOVER_S
        while time.monotonic() < deadline:
            assert lab.monitor_state()["state"] == "online"
            time.sleep(1)
        assert codes(lab) == ["resolver-dead"]
        assert untouched(lab) == before
        passed, lines = check(lab)
        assert not passed
        assert any("the tunnel carries traffic, names do not resolve" in line for line in lines), lines
    wait_for(lambda: codes(lab) == [], "no problem", PATIENCE_S)
    assert untouched(lab) == before


@contextmanager
def narrow_path(lab: LabControl, longest: int) -> Iterator[None]:
    """Drop the tunnel's datagrams of more than ``longest`` bytes at the router."""
    rules = f"chain lost {{ type filter hook forward priority -10; meta l4proto udp meta length > {longest} drop; }}"
    lab.router("nft -f -", stdin=f"table ip narrow {{ {rules}; }}\n")
    try:
        yield
    finally:
        lab.router("nft delete table ip narrow")


def test_lost_large_packets_are_reported_with_working_mtu(lab: LabControl) -> None:
    before = lab.monitor_state()["endpoint"]
    with narrow_path(lab, 1300):
        lab.pi("systemctl restart vpn-monitor")
        wait_for_code(lab, "mtu")
        assert (lab.monitor_state()["state"], lab.monitor_state()["endpoint"]) == ("online", before)
        works = int(re.findall(r"Set gateway_mtu: (\d+) ", text(lab, "mtu"))[0])
        assert 1200 <= works <= 1240
        passed, lines = check(lab)
        assert not passed
        assert any(f"FAIL  packet size: the tunnel is up, but packets larger than {works}" in line for line in lines), (
            lines
        )
        found = lab.run_site("--extra-vars", json.dumps({"gateway_mtu": works}))
        assert found.ok, found.failures
        wait_for(lambda: codes(lab) == [], "no problem", PATIENCE_S)
        lab.wait_until_healthy()
        passed, lines = check(lab)
        assert passed, lines
    lab.converge()


@contextmanager
def policy_rule(lab: LabControl) -> Iterator[None]:
    """Add a rule before table main for packets to the containers, like the rule of a Tailscale exit node."""
    lab.pi(
        "ip link add exit0 type veth peer name exit1 && ip link set exit0 up && ip link set exit1 up"
        " && ip route add default dev exit0 table 52 && ip rule add priority 5270 to 172.31.254.0/24 lookup 52"
    )
    try:
        yield
    finally:
        lab.pi("ip rule delete priority 5270; ip link delete exit0")


def test_policy_routing_rule_is_reported_and_refused(lab: LabControl) -> None:
    before = lab.monitor_state()["endpoint"]
    with policy_rule(lab):
        begun = time.monotonic()
        found = lab.run_site()
        assert not found.ok
        assert time.monotonic() - begun < PATIENCE_S
        rule = "the policy-routing rule 5270 (from all to 172.31.254.0/24 lookup 52) sends packets for 172.31.254.0/24"
        assert rule in found.failures
        wait_for_code(lab, "policy-routing")
        assert rule in text(lab, "policy-routing")
        passed, lines = check(lab)
        assert not passed
        assert any(rule in line for line in lines), lines
        time.sleep(FAILOVER_S)
        assert lab.monitor_state()["endpoint"] == before
    lab.wait_until_healthy()


def test_docker_without_iptables_is_refused_before_changes(lab: LabControl) -> None:
    kept = lab.pi(f"cat {DAEMON_JSON}")
    lab.pi(f"cat > {DAEMON_JSON}", stdin=json.dumps(json.loads(kept) | {"iptables": False}))
    try:
        found = lab.run_site()
        assert not found.ok
        assert f'found \\"iptables\\": false in {DAEMON_JSON}' in found.failures
        assert not found.changed
        wait_for_code(lab, "docker-settings")
        passed, lines = check(lab)
        assert not passed
        assert any(line.startswith("FAIL  host: ") and "iptables" in line for line in lines), lines
    finally:
        lab.pi(f"cat > {DAEMON_JSON}", stdin=kept)
    wait_for(lambda: codes(lab) == [], "no problem", PATIENCE_S)


def test_changed_lan_is_reported_while_tunnel_is_online(lab: LabControl) -> None:
    lab.converge("--extra-vars", json.dumps({"mediaserver_lan": ["192.168.178.0/24"]}), "--tags", "gateway,stack")
    try:
        wait_for_code(lab, "lan-not-covered")
        wait_for(lambda: lab.monitor_state()["state"] == "online", "online", PATIENCE_S)
        network = f"{lab.household.pi.rpartition('.')[0]}.0/24"
        assert f"Add {network} to mediaserver_lan" in text(lab, "lan-not-covered")
        _passed, lines = check(lab)
        assert any(f"FAIL  host: this host is in {network}" in line for line in lines), lines
    finally:
        lab.converge()


def wrong_key(lab: LabControl) -> list[str]:
    """Return arguments of a run with a private key that the server does not accept."""
    key = base64.b64encode(os.urandom(32)).decode()
    file = re.sub(r"(?m)^PrivateKey *=.*$", f"PrivateKey = {key}", lab.description["provider_config"])
    assert key in file
    return ["--extra-vars", json.dumps({"gateway_provider_config": file})]


def test_wrong_key_fails_run_and_is_named_first(lab: LabControl) -> None:
    arguments = wrong_key(lab)
    found = lab.run_site(*arguments)
    try:
        assert not found.ok
        assert "Tunnel: NOT up." in summary(found)
        assert "A wrong or expired key is the most likely cause" in summary(found)
        assert f"http://{lab.household.pi}:9091" in summary(found)
        # A second run changes nothing and prints the same.
        again = lab.run_site(*arguments)
        assert not again.ok
        assert not again.changed
        assert "A wrong or expired key" in summary(again)
        wait_for_code(lab, "key-or-endpoint")
        passed, lines = check(lab)
        assert not passed
        assert any("is not reached through the tunnel" in line and "wrong or expired key" in line for line in lines), (
            lines
        )
        assert not any("Errno" in line for line in lines), lines
    finally:
        lab.converge()


def test_run_without_internet_succeeds_with_warning(lab: LabControl) -> None:
    with no_internet(lab):
        found = lab.run_site("--extra-vars", json.dumps({"gateway_mtu": 1400}))
        assert found.ok, found.failures
        assert found.changed
        assert summary(found).startswith("Tunnel: NOT up. The host has no internet")
    lab.converge()


def test_restart_of_stopped_service_names_command_to_stop_stack(lab: LabControl) -> None:
    since = lab.pi("date +%s").strip()
    lab.pi("docker compose --project-directory /opt/mediaserver stop jackett")
    lab.wait_until_healthy()
    log = lab.pi(f"journalctl --quiet --since @{since} --unit vpn-monitor --output cat")
    assert "(to stop the stack by hand: sudo systemctl stop mediaserver.service)" in log
