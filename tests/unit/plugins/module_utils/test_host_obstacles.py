# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of other programs that keep the stack from working: found, named, and nothing else taken for one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import typing as t
from collections.abc import Iterator

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core import obstacles
from ansible_collections.household.mediaserver.plugins.module_utils._host.info import measure
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.checks import find_problems
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._host import hosts
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import (
    FACTS,
    SETTINGS,
)

FILE = "/etc/docker/daemon.json"
SECRET = "http://user:proxy-password@proxy.example"


@pytest.mark.parametrize(
    ("settings", "command_line", "found"),
    [
        ({"iptables": False}, "", [f'"iptables": false in {FILE}']),
        ({"ip-masq": False, "proxies": {"http-proxy": SECRET}}, "", [f'"ip-masq": false in {FILE}']),
        ({"iptables": True, "ip6tables": False, "ip-forward": False}, "", []),
        ({}, "", []),
        ([], "", []),
        ({}, "/usr/sbin/dockerd\0--iptables=false\0-H\0fd://\0", ["--iptables=false on dockerd's command line"]),
        ({}, "/usr/sbin/dockerd\0--ip-masq=0", ["--ip-masq=0 on dockerd's command line"]),
        ({}, "/usr/sbin/dockerd\0--iptables=true\0--ip6tables=false\0", []),
    ],
)
def test_docker_that_makes_no_rules_is_named_by_the_place_of_the_setting(
    settings: t.Any, command_line: str, found: list[str]
) -> None:
    assert obstacles.docker_switched_off(json.dumps(settings), command_line) == found


@pytest.mark.parametrize("text", ["", "{", "null", "iptables: false"])
def test_a_file_that_is_no_json_is_left_to_others(text: str) -> None:
    assert obstacles.docker_switched_off(text, "") == []


@pytest.mark.parametrize(
    ("settings", "command_line", "off"),
    [
        ({"userland-proxy": False, "iptables": False}, "", [f'"userland-proxy": false in {FILE}']),
        (
            {"userland-proxy": True},
            "dockerd\0--userland-proxy=false\0",
            ["--userland-proxy=false on dockerd's command line"],
        ),
        ({}, "dockerd\0--userland-proxy-path=/usr/bin/docker-proxy\0", []),
    ],
)
def test_docker_s_proxy_is_measured_apart_from_its_rules(
    settings: dict[str, bool], command_line: str, off: list[str]
) -> None:
    files = {**hosts.PI4, FILE: json.dumps(settings), "/run/docker.pid": "7\n", "/proc/7/cmdline": command_line}
    found = measure(hosts.FakeReader(files), hosts.ASKED)
    assert found["docker_proxy_off"] == off
    assert not [one for one in found["docker_switched_off"] if "proxy" in one]


def test_only_these_settings_of_docker_are_measured() -> None:
    files = {
        **hosts.PI4,
        FILE: json.dumps({"iptables": False, "proxies": {"http-proxy": SECRET}}),
        "/run/docker.pid": "77\n",
        "/proc/77/cmdline": "dockerd\0--ip-masq=false\0",
    }
    found = measure(hosts.FakeReader(files), hosts.ASKED)
    assert found["docker_switched_off"] == [
        f'"iptables": false in {FILE}',
        "--ip-masq=false on dockerd's command line",
    ]
    assert "proxy-password" not in json.dumps(found)


def problems(settings: dict[str, t.Any] | None = None, **facts: t.Any) -> list[dict[str, str]]:
    return find_problems({**FACTS, **facts}, {**SETTINGS, **(settings or {})})


@pytest.mark.parametrize("key", ["iptables", "ip-masq"])
def test_docker_without_rules_is_refused_where_it_is_wished(key: str) -> None:
    (found,) = problems({"docker_daemon_options": {key: False}})
    assert (found["level"], found["variable"]) == ("problem", f"docker_daemon_options.{key}")
    assert problems({"docker_daemon_options": {key: True, "ip-forward": False, "ip6tables": False}}) == []


def test_docker_without_rules_is_refused_where_it_is_found() -> None:
    told = [f'"iptables": false in {FILE}']
    (found,) = problems(docker_switched_off=told)
    assert found["problem"].startswith(f'found "iptables": false in {FILE}; Docker then makes no firewall rules')
    # The run itself would put it right.
    assert problems({"docker_daemon_options": {"iptables": True}}, docker_switched_off=told) == []


def test_a_captured_network_is_refused_with_the_rule() -> None:
    told = f"{RULE} 192.168.1.0/24 to tailscale0 instead of end0"
    (found,) = problems(routing_captured=[told])
    assert found["level"] == "problem"
    assert found["problem"].startswith(told)
    assert "suppress_prefixlength 0" in found["remedy"]


@pytest.mark.parametrize("bridge", ["br-vpn", "br-jellyfin", "docker0", "br-0123456789ab"])
def test_the_bridge_is_one_of_docker_s_whose_replies_are_asked_about(bridge: str) -> None:
    assert obstacles.BRIDGE.fullmatch(bridge)
    assert not obstacles.BRIDGE.fullmatch(f"{bridge}x")


needed = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None, reason="needs root and iproute2 for a network namespace"
)
NAME = f"ms-rules-{os.getpid()}"
HOUSE = """
link add eth0 type veth peer name peer0
link add br-vpn type veth peer name peer1
link add tailscale0 type veth peer name peer2
link set peer0 up
link set peer1 up
link set peer2 up
address add 192.168.1.5/24 dev eth0
address add 172.31.254.1/24 dev br-vpn
address add 100.64.0.9/32 dev tailscale0
link set eth0 up
link set br-vpn up
link set tailscale0 up
route add default via 192.168.1.1 dev eth0
"""


@contextlib.contextmanager
def house(*lines: str) -> Iterator[t.Callable[[list[str]], str]]:
    """A host with a LAN, the VPN's bridge and these routes and rules; hand out what runs a command there."""

    def run(command: list[str], *, check: bool = False) -> str:
        whole = ["ip", "netns", "exec", NAME, *command]
        return subprocess.run(whole, capture_output=True, text=True, check=check).stdout

    subprocess.run(["ip", "netns", "add", NAME], check=True)
    try:
        for line in [*HOUSE.strip().splitlines(), *lines]:
            run(["ip", *line.split()], check=True)
        yield run
    finally:
        subprocess.run(["ip", "netns", "delete", NAME], check=True)


EXIT_NODE = ["route add default dev tailscale0 table 52", "rule add priority 5270 lookup 52"]
MARKED = "rule add priority 5230 fwmark 0x80000/0xff0000 lookup main"
RULE = "the policy-routing rule 5270 (from all lookup 52) sends packets for"


@needed
@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], []),
        # Tailscale without an exit node: rules are there, and table 52 holds other tailnet members only.
        ([MARKED, "route add 100.64.0.7/32 dev tailscale0 table 52", "rule add priority 5270 lookup 52"], []),
        (
            [MARKED, *EXIT_NODE],
            [
                f"{RULE} 192.168.1.0/24 to tailscale0 instead of eth0",
                f"{RULE} 172.31.254.0/24 to tailscale0 instead of br-vpn",
            ],
        ),
        # Its LAN is let through, Docker's networks are not.
        (
            [*EXIT_NODE, "route add throw 192.168.1.0/24 table 52"],
            [f"{RULE} 172.31.254.0/24 to tailscale0 instead of br-vpn"],
        ),
        # wg-quick on the host, and the remedy that the message names: table main wins for its own networks.
        ([*EXIT_NODE, "rule add priority 1000 lookup main suppress_prefixlength 0"], []),
        # Behind table main nothing is captured.
        (["route add default dev tailscale0 table 52", "rule add priority 32768 lookup 52"], []),
        # Only what the containers send is captured: the replies to clients on the LAN.
        (
            ["route add default dev tailscale0 table 52", "rule add priority 5270 from 172.31.254.0/24 lookup 52"],
            [
                "the policy-routing rule 5270 (from 172.31.254.0/24 lookup 52) sends packets for 192.168.1.0/24 "
                "to tailscale0 instead of eth0"
            ],
        ),
    ],
    ids=["none", "tailnet", "exit node", "exit node, LAN let through", "main first", "after main", "of containers"],
)
def test_with_the_kernel_s_own_answers(lines: list[str], found: list[str]) -> None:
    with house(*lines) as run:
        captured = obstacles.captured(run(["cat", "/proc/net/route"]), run)
    assert sorted(captured) == sorted(found)
