# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong is named as what it is: the host, the LAN, the path, the resolver or the key, and not the provider."""

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
from outages import no_line
from stage import Stage
from test_4_verify import check
from waiting import wait_for

pytestmark = pytest.mark.full
PATIENCE_S = 90
# Longer than vpn-monitor's ladder takes to a failover.
LONG_ENOUGH_S = 45
DAEMON_JSON = "/etc/docker/daemon.json"

# The tasks of roles/gateway/tasks/report.yml that show the screen.
SCREENS = (
    "Show the state of the tunnel, the addresses and the next step",
    "Refuse a tunnel that is down because of the household's settings",
)


def codes(stage: Stage) -> list[str]:
    return [problem["code"] for problem in stage.told()["problems"]]


def text(stage: Stage, code: str) -> str:
    return next(problem["text"] for problem in stage.told()["problems"] if problem["code"] == code)


def wait_for_code(stage: Stage, code: str) -> None:
    wait_for(lambda: code in codes(stage), f"{code} in the state file", PATIENCE_S)


def untouched(stage: Stage) -> tuple[Any, ...]:
    """What a failover, a restart or a closed port would change."""
    told = stage.told()
    started = stage.pi("docker inspect --format '{{.State.StartedAt}}' $(docker ps --quiet --no-trunc) | sort")
    return told["endpoint"], told["steps"], told["forwarded_port"], started


def run(stage: Stage, *extra: str) -> playbook.Run:
    return playbook.run(stage.inventory, "--extra-vars", f"demo_house={stage.house.number}", *extra)


def screen(found: playbook.Run) -> str:
    """What the end of the run has shown: said, or given as the reason of a failure."""
    (shown,) = [task.result["msg"] for task in found.tasks if task.name.endswith(SCREENS) and not task.skipped]
    return shown if isinstance(shown, str) else "\n".join(shown)


@pytest.fixture(autouse=True)
def well(stage: Stage) -> Iterator[None]:
    stage.wait_until_well()
    wait_for(lambda: (stage.told()["state"], stage.told()["problems"]) == ("online", []), "no problem", PATIENCE_S)
    yield
    stage.wait_until_well()


def test_every_run_ends_with_the_tunnel_the_addresses_and_the_next_step(stage: Stage) -> None:
    found = run(stage)
    assert found.ok, found.failures
    assert not found.changed
    lines = screen(found).splitlines()
    assert lines[0] == f"Tunnel: up, through server {stage.told()['peer']} ({stage.told()['endpoint']})."
    pages = ", ".join(
        f"{name} http://{stage.house.pi}:{port}"
        for name, port in (("Transmission", 9091), ("Jackett", 9117), ("Jellyfin", 8096))
    )
    assert lines[1] == f"Open: {pages}"
    assert lines[2].startswith("Next: log in as ")
    foreseen = run(stage, "--check")
    assert foreseen.ok, foreseen.failures
    assert screen(foreseen).splitlines()[0] == lines[0]


def test_forwarding_that_was_switched_off_is_switched_on_again_without_a_failover(stage: Stage) -> None:
    before = stage.told()
    stage.pi("sysctl -w net.ipv4.ip_forward=0")
    wait_for(lambda: stage.pi("cat /proc/sys/net/ipv4/ip_forward").strip() == "1", "forwarding", 20)
    stage.wait_until_well()
    wait_for(lambda: stage.told()["problems"] == [], "no problem", PATIENCE_S)
    told = stage.told()
    assert told["last_step"]["act"] == "switch on IPv4 forwarding"
    assert (told["endpoint"], told["steps"]) == (before["endpoint"], before["steps"] + 1)


def test_forwarding_that_is_off_is_named_by_verify_and_switched_on_by_a_run(stage: Stage) -> None:
    stage.pi("systemctl stop vpn-monitor && sysctl -w net.ipv4.ip_forward=0")
    _passed, lines = check(stage)
    assert any(
        line.startswith("FAIL  host: IPv4 forwarding is off on this host (net.ipv4.ip_forward)") for line in lines
    )
    assert any("is not reached through the tunnel: the tunnel does not carry: IPv4 forw" in line for line in lines), (
        lines
    )
    found = run(stage)
    assert found.ok, found.failures
    assert stage.pi("cat /proc/sys/net/ipv4/ip_forward").strip() == "1"


@contextmanager
def dead_resolver() -> Iterator[None]:
    """Have the provider's resolver lose every question; everything else in the tunnel goes on."""
    rules = "table ip deaf { chain lost { type filter hook input priority -10; iifname wg0 udp dport 53 drop; }; }"
    for provider in topology.PROVIDERS:
        docker("exec", provider.name, "nft", rules)
    try:
        yield
    finally:
        for provider in topology.PROVIDERS:
            docker("exec", provider.name, "nft", "delete", "table", "ip", "deaf")


def test_a_dead_resolver_is_named_and_leads_to_no_failover(stage: Stage) -> None:
    before = untouched(stage)
    with dead_resolver():
        wait_for_code(stage, "resolver-dead")
        deadline = time.monotonic() + LONG_ENOUGH_S
        while time.monotonic() < deadline:
            assert stage.told()["state"] == "online"
            time.sleep(1)
        assert codes(stage) == ["resolver-dead"]
        assert untouched(stage) == before
        passed, lines = check(stage)
        assert not passed
        assert any("the tunnel carries traffic, names do not resolve" in line for line in lines), lines
    wait_for(lambda: codes(stage) == [], "no problem", PATIENCE_S)
    assert untouched(stage) == before


@contextmanager
def narrow_path(stage: Stage, longest: int) -> Iterator[None]:
    """Have the router lose the tunnel's datagrams that are longer."""
    rules = f"chain lost {{ type filter hook forward priority -10; meta l4proto udp meta length > {longest} drop; }}"
    stage.router("nft -f -", stdin=f"table ip narrow {{ {rules}; }}\n")
    try:
        yield
    finally:
        stage.router("nft delete table ip narrow")


def test_a_path_that_loses_large_packets_is_named_with_a_value_that_works(stage: Stage) -> None:
    before = stage.told()["endpoint"]
    with narrow_path(stage, 1300):
        stage.pi("systemctl restart vpn-monitor")
        wait_for_code(stage, "mtu")
        assert (stage.told()["state"], stage.told()["endpoint"]) == ("online", before)
        works = int(re.findall(r"Set gateway_mtu: (\d+) ", text(stage, "mtu"))[0])
        assert 1200 <= works <= 1240
        passed, lines = check(stage)
        assert not passed
        assert any(f"FAIL  packet size: the tunnel is up, but packets larger than {works}" in line for line in lines), (
            lines
        )
        found = run(stage, "--extra-vars", json.dumps({"gateway_mtu": works}))
        assert found.ok, found.failures
        wait_for(lambda: codes(stage) == [], "no problem", PATIENCE_S)
        stage.wait_until_well()
        passed, lines = check(stage)
        assert passed, lines
    stage.converge()


@contextmanager
def captured(stage: Stage) -> Iterator[None]:
    """A rule before table main that takes the packets for the containers, as Tailscale's exit node does for all."""
    stage.pi(
        "ip link add exit0 type veth peer name exit1 && ip link set exit0 up && ip link set exit1 up"
        " && ip route add default dev exit0 table 52 && ip rule add priority 5270 to 172.31.254.0/24 lookup 52"
    )
    try:
        yield
    finally:
        stage.pi("ip rule delete priority 5270; ip link delete exit0")


def test_a_policy_routing_rule_is_named_and_refused_at_once(stage: Stage) -> None:
    before = stage.told()["endpoint"]
    with captured(stage):
        begun = time.monotonic()
        found = run(stage)
        assert not found.ok
        assert time.monotonic() - begun < PATIENCE_S
        rule = "the policy-routing rule 5270 (from all to 172.31.254.0/24 lookup 52) sends packets for 172.31.254.0/24"
        assert rule in found.failures
        wait_for_code(stage, "policy-routing")
        assert rule in text(stage, "policy-routing")
        passed, lines = check(stage)
        assert not passed
        assert any(rule in line for line in lines), lines
        time.sleep(LONG_ENOUGH_S)
        assert stage.told()["endpoint"] == before
    stage.wait_until_well()


def test_docker_without_firewall_rules_is_refused_before_anything_changes(stage: Stage) -> None:
    kept = stage.pi(f"cat {DAEMON_JSON}")
    stage.pi(f"cat > {DAEMON_JSON}", stdin=json.dumps(json.loads(kept) | {"iptables": False}))
    try:
        found = run(stage)
        assert not found.ok
        assert f'found \\"iptables\\": false in {DAEMON_JSON}' in found.failures
        assert not found.changed
        wait_for_code(stage, "docker-settings")
        passed, lines = check(stage)
        assert not passed
        assert any(line.startswith("FAIL  host: ") and "iptables" in line for line in lines), lines
    finally:
        stage.pi(f"cat > {DAEMON_JSON}", stdin=kept)
    wait_for(lambda: codes(stage) == [], "no problem", PATIENCE_S)


def test_a_lan_that_has_changed_is_named_while_the_tunnel_is_online(stage: Stage) -> None:
    stage.converge("--extra-vars", json.dumps({"mediaserver_lan": ["192.168.178.0/24"]}), "--tags", "gateway,stack")
    try:
        wait_for_code(stage, "lan-not-covered")
        wait_for(lambda: stage.told()["state"] == "online", "online", PATIENCE_S)
        network = f"{stage.house.pi.rpartition('.')[0]}.0/24"
        assert f"Add {network} to mediaserver_lan" in text(stage, "lan-not-covered")
        _passed, lines = check(stage)
        assert any(f"FAIL  host: this host is in {network}" in line for line in lines), lines
    finally:
        stage.converge()


def wrong_key(stage: Stage) -> list[str]:
    """Arguments of a run with a private key that the provider does not know."""
    key = base64.b64encode(os.urandom(32)).decode()
    file = re.sub(r"(?m)^PrivateKey *=.*$", f"PrivateKey = {key}", stage.household["provider_config"])
    assert key in file
    return ["--extra-vars", json.dumps({"gateway_provider_config": file})]


def test_a_wrong_key_fails_the_run_and_is_the_first_suspect(stage: Stage) -> None:
    arguments = wrong_key(stage)
    found = run(stage, *arguments)
    try:
        assert not found.ok
        assert "Tunnel: NOT up." in screen(found)
        assert "A wrong or expired key is the most likely cause" in screen(found)
        assert f"http://{stage.house.pi}:9091" in screen(found)
        # A second run changes nothing and says the same.
        again = run(stage, *arguments)
        assert not again.ok
        assert not again.changed
        assert "A wrong or expired key" in screen(again)
        wait_for_code(stage, "key-or-endpoint")
        passed, lines = check(stage)
        assert not passed
        assert any("is not reached through the tunnel" in line and "wrong or expired key" in line for line in lines), (
            lines
        )
        assert not any("Errno" in line for line in lines), lines
    finally:
        stage.converge()


def test_a_run_without_internet_stays_green_and_warns(stage: Stage) -> None:
    with no_line(stage):
        found = run(stage, "--extra-vars", json.dumps({"gateway_mtu": 1400}))
        assert found.ok, found.failures
        assert found.changed
        assert screen(found).startswith("Tunnel: NOT up. The host has no internet")
    stage.converge()


def test_a_stop_that_is_undone_says_how_the_stack_is_stopped(stage: Stage) -> None:
    since = stage.pi("date +%s").strip()
    stage.pi("docker compose --project-directory /opt/mediaserver stop jackett")
    stage.wait_until_well()
    said = stage.pi(f"journalctl --quiet --since @{since} --unit vpn-monitor --output cat")
    assert "(to stop the stack by hand: sudo systemctl stop mediaserver.service)" in said
