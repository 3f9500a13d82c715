# SPDX-License-Identifier: GPL-3.0-or-later
"""Both barriers and the tunnel."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from contract import INNER, OUTER, Containers, Household, chains, nft, rules

pytestmark = pytest.mark.evidence(units=["mediaserver-barrier.service"], containers=["vpn", "wireguard"])
# WireGuard renews its session keys every 120 s while there is traffic, and the keepalive is traffic.
HANDSHAKE_AGE_S = 180


def test_outer_barrier_starts_before_docker(host: Any) -> None:
    unit = host.service("mediaserver-barrier.service")
    assert unit.is_running
    assert unit.is_enabled
    properties = host.service("mediaserver-barrier.service").systemd_properties
    assert "docker.service" in properties["Before"].split()
    assert "docker.service" in properties["RequiredBy"].split()


def test_outer_barrier_drops_in_forward_and_input_by_bridge_name(host: Any) -> None:
    objects = nft(host, OUTER)
    hooked = chains(objects)
    assert {"forward", "input"} <= set(hooked)
    text = json.dumps(objects)
    assert "br-vpn" in text
    for hook in ("forward", "input"):
        verdicts = [next(iter(part)) for rule in _reachable(objects, hooked[hook]["name"]) for part in rule["expr"]]
        assert "drop" in verdicts, f"nothing is dropped in {hook}"
        assert "counter" in verdicts, f"nothing is counted in {hook}"


def _reachable(objects: list[dict[str, Any]], chain: str) -> list[dict[str, Any]]:
    found = []
    for rule in rules(objects, chain):
        found.append(rule)
        for part in rule["expr"]:
            for verb in ("jump", "goto"):
                if isinstance(part.get(verb), dict):
                    found += _reachable(objects, part[verb]["target"])
    return found


def test_gateway_plan_is_empty(host: Any, household: Household) -> None:
    plan = host.run(f"{household['mediaserver_root']}/scripts/vpn-gateway plan")
    assert (plan.rc, plan.stdout) == (0, ""), plan.stderr


def test_inner_barrier_has_policy_drop(host: Any, containers: Containers) -> None:
    hooked = chains(nft(host, INNER, containers.namespace("vpn")))
    assert {hook: hooked[hook]["policy"] for hook in ("input", "output", "forward")} == {
        "input": "drop",
        "output": "drop",
        "forward": "drop",
    }


def test_inner_barrier_is_not_on_host(host: Any) -> None:
    assert host.run(f"nft list table {OUTER}").rc == 0, "nft list table does not work"
    assert host.run(f"nft list table {INNER}").rc != 0


def test_only_default_route_is_the_tunnel(host: Any, containers: Containers) -> None:
    namespace = containers.namespace("vpn")
    routes = {
        family: host.check_output(f"{namespace} ip {family} route show default").splitlines() for family in ("-4", "-6")
    }
    by_the_tunnel = [["default", "dev", "wg0"]]
    assert [route.split()[:3] for route in routes["-4"]] == by_the_tunnel
    # A tunnel need not carry IPv6.
    assert [route.split()[:3] for route in routes["-6"]] in ([], by_the_tunnel)


def test_handshake_is_recent(host: Any, containers: Containers) -> None:
    # With the container's wg, because the host need not have it.
    lines = host.check_output("docker exec mediaserver-wireguard-1 wg show wg0 latest-handshakes").splitlines()
    assert len(lines) == 1
    age = int(host.check_output("date +%s")) - int(lines[0].split()[1])
    assert 0 <= age < HANDSHAKE_AGE_S, f"last handshake {age} s ago, at {time.strftime('%X')}"


@pytest.mark.parametrize(
    ("path", "mode"),
    [("gateway", 0o700), ("gateway/private.key", 0o600), ("gateway/gateway.json", 0o600),
     ("gateway/run/tunnel/wg0.conf", 0o600)],
)  # fmt: skip
def test_secret_files_belong_to_root_only(host: Any, household: Household, path: str, mode: int) -> None:
    file = host.file(f"{household['mediaserver_root']}/{path}")
    assert (file.user, file.group, oct(file.mode)) == ("root", "root", oct(mode))
