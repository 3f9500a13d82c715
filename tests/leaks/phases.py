# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a household, one function each. A phase breaks something and leaves the mending to the house."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import barriers
import houses
import ipv6
import outages
from engine import LabError
from stage import INSIDE, VPN_GATEWAY, Stage
from topology import PROVIDERS
from waiting import wait_for

ENDPOINTS = tuple(provider.address for provider in PROVIDERS)
COMPOSE = "docker compose --project-directory /opt/mediaserver up --detach --pull never --no-deps --force-recreate"
BLACK_HOLE_S = 190  # longer than WireGuard's keys live
DEAD_BOOT_S, LONG_DEAD_BOOT_S = 60, 600
IPV6_TRIES_S = 3
TOLD_S = 10  # what vpn-monitor's file may be behind what it has done


# What each variant switches off.
VARIANTS = {"both": (), "outer only": ("inner",), "inner only": ("outer",)}


@dataclass(frozen=True)
class Phase:
    """``quick`` ones run on every change; ``budget`` is the most seconds that recovery may take."""

    name: str
    happen: Callable[[Stage], float | None]  # returns the seconds to recovery where it has seen to it itself
    quick: bool = False
    budget: float | None = None
    installs: bool = False  # the host itself fetches packages or images meanwhile
    blank: bool = False  # begins with a Pi that nobody has touched
    newborn: bool = False  # the namespace is made anew
    proxied: bool = False  # Docker's rules are away for a moment, and its proxy answers by the host's own address
    single: bool = True  # with each barrier alone, too

    def has(self, variant: str) -> bool:
        return self.single or variant == "both"


def _command(run: Callable[[Stage, str], str], command: str) -> Callable[[Stage], None]:
    def happen(stage: Stage) -> None:
        run(stage, command)

    return happen


_on_pi, _inside = partial(_command, Stage.pi), partial(_command, Stage.inside)


def first_boot(stage: Stage) -> None:
    houses.replace_pi(stage.house)
    stage.install_prober()
    stage.converge()


def reboot(stage: Stage) -> float:
    houses.reboot_pi(stage.house)
    stage.wait_until_well()
    return float(stage.pi("ps -o etimes= -p 1"))  # since systemd's start


def boot_without_endpoint(seconds: float) -> Callable[[Stage], None]:
    def boot(stage: Stage) -> None:
        with outages.dead_endpoints(stage, *ENDPOINTS):
            houses.reboot_pi(stage.house)
            time.sleep(seconds)
            # A house whose provider is away still boots completely, and its interfaces answer.
            stage.wait_until_only_the_tunnel_is_missing()

    return boot


def black_hole(stage: Stage) -> None:
    with outages.dead_endpoints(stage, *ENDPOINTS):
        time.sleep(BLACK_HOLE_S)
        stage.wait_until_only_the_tunnel_is_missing()


def fail_over(stage: Stage) -> float:
    before = stage.told()["endpoint"]
    with outages.dead_endpoints(stage, before):
        seconds = stage.wait_until_well()
    wait_for(lambda: stage.told()["endpoint"] in {*ENDPOINTS} - {before}, f"another server than {before}", TOLD_S)
    after = stage.told()["endpoint"]
    again = stage.converge()
    assert [task.name for task in again.changed] == [], "a run reverted the failover"
    assert stage.told()["endpoint"] == after
    return seconds


def ipv6_let_in(stage: Stage) -> float:
    """Everything is open to IPv6 but the barriers, with a tunnel and without."""
    with ipv6.let_in(stage):
        time.sleep(IPV6_TRIES_S)
        stage.pi("docker kill mediaserver-wireguard-1")
        seconds = stage.wait_until_well()
        time.sleep(IPV6_TRIES_S)
    return seconds


def stale_interface(stage: Stage) -> None:
    # The monitor would have the tunnel back before the stale one is there.
    stage.pi("systemctl stop vpn-monitor && docker stop --time 2 mediaserver-wireguard-1")
    with suppress(LabError):  # the tunnel's own end has removed it, mostly
        stage.inside("ip link delete wg0")
    stage.inside("ip tuntap add wg0 mode tun")
    stage.pi("docker start mediaserver-wireguard-1 && systemctl start vpn-monitor")


def failed_start(stage: Stage) -> None:
    file = "/opt/mediaserver/gateway/run/tunnel/wg0.conf"
    spoil = f"docker stop --time 2 mediaserver-wireguard-1; cp -p {file} /run/wg0.kept; echo nonsense > {file}"
    since = stage.pi("date +%s").strip()
    stage.pi(f"systemctl stop vpn-monitor; {spoil}; docker start mediaserver-wireguard-1; systemctl start vpn-monitor")
    try:
        time.sleep(3)
        assert "nonsense" in stage.pi(f"docker logs --since {since} mediaserver-wireguard-1 2>&1"), "it did not fail"
    finally:
        stage.pi(f"cat /run/wg0.kept > {file}")


def wrong_key(stage: Stage) -> None:
    # The peer is made anew with it: what was agreed on already would serve on for two minutes.
    wrong = (
        'sed "s|^PrivateKey.*|PrivateKey = $(wg genkey)|" /gateway/wg0.conf > /run/wrong && wg setconf wg0 /run/wrong'
    )
    stage.pi(f"docker exec mediaserver-wireguard-1 sh -c '{wrong}'")
    peers = stage.pi("docker exec mediaserver-wireguard-1 wg show wg0 peers").split()
    assert len(peers) == 1, peers


def flush(command: str) -> Callable[[Stage], None]:
    """A table that was loaded anew would have another handle: there was a moment without it."""

    def happen(stage: Stage) -> None:
        before = barriers.handle(stage)
        stage.pi(command)
        assert barriers.handle(stage) == before, "the outer barrier was away"

    return happen


def other_way_out(stage: Stage) -> None:
    stage.inside("ip route flush table main")
    stage.inside(f"ip route add default via {VPN_GATEWAY} dev eth0 onlink")


def changed_configuration(stage: Stage) -> None:
    assert stage.converge("--extra-vars", "gateway_mtu=1380").stats["changed"], "nothing was changed"
    stage.converge()


def changed_image(stage: Stage) -> None:
    # Another reference to the same content is another image to compose.
    other = "household.test/gateway:other"
    stage.pi(f"docker tag $(docker inspect --format '{{{{.Image}}}}' mediaserver-vpn-1) {other}")
    assert stage.converge("--extra-vars", f"gateway_image={other}").stats["changed"], "nothing was changed"
    stage.converge()


PHASES = (
    Phase("first boot", first_boot, quick=True, installs=True, blank=True, newborn=True),
    Phase("steady", lambda stage: time.sleep(10), quick=True),
    Phase("wg0 down", _inside("ip link set wg0 down")),
    Phase("wg0 deleted", _inside("ip link delete wg0")),
    Phase("stale wg0", stale_interface, quick=True),
    # Where the kernel has WireGuard there is no process; all that its end leaves is that the interface is gone.
    Phase("WireGuard's process killed", _on_pi(f"pkill -KILL wireguard-go || {INSIDE} ip link delete wg0")),
    Phase("tunnel stopped", _on_pi("docker stop --time 2 mediaserver-wireguard-1")),
    Phase("tunnel restarted", _on_pi("docker restart --time 2 mediaserver-wireguard-1")),
    Phase("tunnel killed", _on_pi("docker kill mediaserver-wireguard-1"), quick=True, budget=10),
    Phase(
        "tunnel's main process killed",
        _on_pi("kill -KILL $(docker inspect --format '{{.State.Pid}}' mediaserver-wireguard-1)"),
    ),
    Phase("tunnel recreated", _on_pi(f"{COMPOSE} wireguard")),
    Phase("first start failed, second good", failed_start),
    Phase("holder killed", _on_pi("docker kill mediaserver-vpn-1"), quick=True, newborn=True),
    Phase("holder recreated", _on_pi(f"{COMPOSE} vpn"), newborn=True),
    Phase("dockerd restarted", _on_pi("systemctl restart docker"), quick=True, newborn=True, proxied=True),
    Phase("dockerd killed", _on_pi("pkill -KILL dockerd"), newborn=True, proxied=True),
    Phase("nft flush ruleset", flush("nft flush ruleset"), quick=True, newborn=True, proxied=True),
    Phase("nftables restarted", flush("systemctl restart nftables"), newborn=True, proxied=True),
    Phase("keeper of the barrier killed", _on_pi("systemctl kill --signal KILL mediaserver-barrier-keeper")),
    Phase("bridge removed", _on_pi("ip link delete br-vpn"), newborn=True, proxied=True),
    Phase("wrong key", wrong_key),
    Phase("routes flushed, a default by eth0 added", other_way_out),
    Phase("IPv6 let in, tunnel killed", ipv6_let_in, quick=True),
    Phase("configuration changed", changed_configuration),
    Phase("gateway's image changed", changed_image, newborn=True),
    Phase("failover to the second peer", fail_over, budget=30),
    Phase("reboot", reboot, quick=True, budget=60, newborn=True, proxied=True),
    Phase("boot without endpoint", boot_without_endpoint(DEAD_BOOT_S), newborn=True, proxied=True),
    Phase("boot without endpoint for ten minutes", boot_without_endpoint(LONG_DEAD_BOOT_S), newborn=True, single=False),
    Phase("endpoint black-holed", black_hole),
)
