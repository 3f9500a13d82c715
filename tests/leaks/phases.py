# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of the leak matrix: each causes one fault, from which the household must recover by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import barriers
import households
import ipv6
import outages
from engine import LabError
from lab_control import INSIDE, VPN_GATEWAY, LabControl
from topology import PROVIDERS
from waiting import wait_for

ENDPOINTS = tuple(provider.address for provider in PROVIDERS)
COMPOSE = "docker compose --project-directory /opt/mediaserver up --detach --pull never --no-deps --force-recreate"
BLACK_HOLE_S = 190  # longer than WireGuard's session keys are valid
DEAD_BOOT_S, LONG_DEAD_BOOT_S = 60, 600
IPV6_TRIES_S = 3
STATE_DELAY_S = 10  # the longest time until vpn-monitor's state file shows what it has done


# The barriers that each variant disables.
VARIANTS = {"both": (), "outer only": ("inner",), "inner only": ("outer",)}


@dataclass(frozen=True)
class Phase:
    """One fault. ``quick`` phases run on every change; ``budget`` is the longest recovery in seconds."""

    name: str
    run: Callable[[LabControl], float | None]  # returns the seconds to recovery where it waits for it
    quick: bool = False
    budget: float | None = None
    installs: bool = False  # the host downloads packages or images
    blank: bool = False  # starts with a blank Pi
    new_namespace: bool = False  # the VPN namespace is recreated
    proxied: bool = False  # Docker's rules are missing briefly, and its proxy answers from the host's address
    single: bool = True  # also runs with each barrier alone

    def has(self, variant: str) -> bool:
        return self.single or variant == "both"


def _command(execute: Callable[[LabControl, str], str], command: str) -> Callable[[LabControl], None]:
    def run(lab: LabControl) -> None:
        execute(lab, command)

    return run


_on_pi, _inside = partial(_command, LabControl.pi), partial(_command, LabControl.inside)


def first_boot(lab: LabControl) -> None:
    households.replace_pi(lab.household)
    lab.install_prober()
    lab.converge()


def reboot(lab: LabControl) -> float:
    households.reboot_pi(lab.household)
    lab.wait_until_healthy()
    return float(lab.pi("ps -o etimes= -p 1"))  # since systemd's start


def boot_without_endpoint(seconds: float) -> Callable[[LabControl], None]:
    def boot(lab: LabControl) -> None:
        with outages.unreachable_endpoints(lab, *ENDPOINTS):
            households.reboot_pi(lab.household)
            time.sleep(seconds)
            # Without the provider, everything else still starts, and the web interfaces answer.
            lab.wait_until_only_tunnel_is_down()

    return boot


def black_hole(lab: LabControl) -> None:
    with outages.unreachable_endpoints(lab, *ENDPOINTS):
        time.sleep(BLACK_HOLE_S)
        lab.wait_until_only_tunnel_is_down()


def fail_over(lab: LabControl) -> float:
    lab.converge()  # the units hold a digest of the programs, and a disabled barrier is another program
    before = lab.monitor_state()["endpoint"]
    with outages.unreachable_endpoints(lab, before):
        seconds = lab.wait_until_healthy()
    others = {*ENDPOINTS} - {before}
    wait_for(lambda: lab.monitor_state()["endpoint"] in others, f"another server than {before}", STATE_DELAY_S)
    after = lab.monitor_state()["endpoint"]
    changed = [task.name for task in lab.converge().changed]
    assert changed == [], f"a run after the failover changed something: {changed}"
    assert lab.monitor_state()["endpoint"] == after
    return seconds


def ipv6_enabled(lab: LabControl) -> float:
    """IPv6 is enabled everywhere; only the barriers stop it, with and without a tunnel."""
    with ipv6.enabled(lab):
        time.sleep(IPV6_TRIES_S)
        lab.pi("docker kill mediaserver-wireguard-1")
        seconds = lab.wait_until_healthy()
        time.sleep(IPV6_TRIES_S)
    return seconds


def stale_interface(lab: LabControl) -> None:
    # vpn-monitor would restart the tunnel before the stale interface exists.
    lab.pi("systemctl stop vpn-monitor && docker stop --time 2 mediaserver-wireguard-1")
    with suppress(LabError):  # usually the tunnel has removed it at its end
        lab.inside("ip link delete wg0")
    lab.inside("ip tuntap add wg0 mode tun")
    lab.pi("docker start mediaserver-wireguard-1 && systemctl start vpn-monitor")


def failed_start(lab: LabControl) -> None:
    file = "/opt/mediaserver/gateway/run/tunnel/wg0.conf"
    spoil = f"docker stop --time 2 mediaserver-wireguard-1; cp -p {file} /run/wg0.kept; echo nonsense > {file}"
    since = lab.pi("date +%s").strip()
    lab.pi(f"systemctl stop vpn-monitor; {spoil}; docker start mediaserver-wireguard-1; systemctl start vpn-monitor")
    try:
        time.sleep(3)
        assert "nonsense" in lab.pi(f"docker logs --since {since} mediaserver-wireguard-1 2>&1"), "it did not fail"
    finally:
        lab.pi(f"cat /run/wg0.kept > {file}")


def wrong_key(lab: LabControl) -> None:
    # setconf recreates the peer; with the present session keys the tunnel would work for two more minutes.
    wrong = (
        'sed "s|^PrivateKey.*|PrivateKey = $(wg genkey)|" /gateway/wg0.conf > /run/wrong && wg setconf wg0 /run/wrong'
    )
    lab.pi(f"docker exec mediaserver-wireguard-1 sh -c '{wrong}'")
    peers = lab.pi("docker exec mediaserver-wireguard-1 wg show wg0 peers").split()
    assert len(peers) == 1, peers


def flush(command: str) -> Callable[[LabControl], None]:
    """The table must keep its handle: with a new handle it was removed and loaded again, with a gap between."""

    def run(lab: LabControl) -> None:
        before = barriers.table_handle(lab)
        lab.pi(command)
        assert barriers.table_handle(lab) == before, "the outer barrier was removed"

    return run


def other_default_route(lab: LabControl) -> None:
    lab.inside("ip route flush table main")
    lab.inside(f"ip route add default via {VPN_GATEWAY} dev eth0 onlink")


def changed_configuration(lab: LabControl) -> None:
    assert lab.converge("--extra-vars", "gateway_mtu=1380").stats["changed"], "nothing was changed"
    lab.converge()


def changed_image(lab: LabControl) -> None:
    # compose takes another reference to the same image for a change.
    other = "household.test/gateway:other"
    lab.pi(f"docker tag $(docker inspect --format '{{{{.Image}}}}' mediaserver-vpn-1) {other}")
    assert lab.converge("--extra-vars", f"gateway_image={other}").stats["changed"], "nothing was changed"
    lab.converge()


PHASES = (
    Phase("first boot", first_boot, quick=True, installs=True, blank=True, new_namespace=True),
    Phase("steady", lambda lab: time.sleep(10), quick=True),
    Phase("wg0 down", _inside("ip link set wg0 down")),
    Phase("wg0 deleted", _inside("ip link delete wg0")),
    Phase("stale wg0", stale_interface, quick=True),
    # Where the kernel has WireGuard there is no process; then the phase deletes the interface.
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
    Phase("holder killed", _on_pi("docker kill mediaserver-vpn-1"), quick=True, new_namespace=True),
    Phase("holder recreated", _on_pi(f"{COMPOSE} vpn"), new_namespace=True),
    Phase("dockerd restarted", _on_pi("systemctl restart docker"), quick=True, new_namespace=True, proxied=True),
    Phase("dockerd killed", _on_pi("pkill -KILL dockerd"), new_namespace=True, proxied=True),
    Phase("nft flush ruleset", flush("nft flush ruleset"), quick=True, new_namespace=True, proxied=True),
    Phase("nftables restarted", flush("systemctl restart nftables"), new_namespace=True, proxied=True),
    Phase("keeper of the barrier killed", _on_pi("systemctl kill --signal KILL mediaserver-barrier-keeper")),
    Phase("bridge removed", _on_pi("ip link delete br-vpn"), new_namespace=True, proxied=True),
    Phase("wrong key", wrong_key),
    Phase("routes flushed, a default by eth0 added", other_default_route),
    Phase("IPv6 enabled, tunnel killed", ipv6_enabled, quick=True),
    Phase("configuration changed", changed_configuration),
    Phase("gateway's image changed", changed_image, new_namespace=True),
    Phase("failover to the second peer", fail_over, budget=30),
    Phase("reboot", reboot, quick=True, budget=60, new_namespace=True, proxied=True),
    Phase("boot without endpoint", boot_without_endpoint(DEAD_BOOT_S), new_namespace=True, proxied=True),
    Phase(
        "boot without endpoint for ten minutes",
        boot_without_endpoint(LONG_DEAD_BOOT_S),
        new_namespace=True,
        single=False,
    ),
    Phase("endpoint black-holed", black_hole),
)
