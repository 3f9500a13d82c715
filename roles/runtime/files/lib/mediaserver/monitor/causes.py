# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the tunnel carries no traffic: one pure function for vpn-monitor, vpn-verify and the end of a playbook run."""

from __future__ import annotations

from dataclasses import dataclass

from mediaserver.monitor.problems import BLOCKS_TUNNEL, Code, Problem

DEAD = "the tunnel carries no traffic"
KEYS = "PrivateKey, PublicKey, PresharedKey and Endpoint in gateway_provider_config, or the single fields"


@dataclass(frozen=True)
class Evidence:
    """What is known of a tunnel in which no question is answered. None: it could not be measured."""

    online: bool | None = None  # the host itself reaches the internet
    obstacles: tuple[Problem, ...] = ()  # of the host: forwarding, Docker's settings, policy routing
    peer: str = ""  # the active peer, host:port
    endpoint: str | None = None  # its address; empty while it has none
    refused: str = ""  # why the address that its name has now cannot be used
    interface: bool = True  # wg0 exists in the VPN namespace
    handshakes: bool | None = None  # one has succeeded with this configuration
    settled: bool = True  # the tunnel had time for a handshake
    trusted: bool = False  # a question was answered since boot, with the same keys, peers and resolvers


def of_dead_tunnel(found: Evidence) -> Problem:
    """Return the most likely cause. The host's own settings come first: they look like a dead provider."""
    for obstacle in found.obstacles:
        if obstacle.code in BLOCKS_TUNNEL:
            return Problem(obstacle.code, f"{DEAD}: {obstacle.text}")
    if found.online is False:
        return Problem(Code.OFFLINE, "the host has no internet: none of the resolvers in /etc/resolv.conf answers")
    if found.refused:
        return Problem(
            Code.ENDPOINT_REFUSED, f"{DEAD}: the endpoint {found.peer} cannot be used, because {found.refused}"
        )
    if found.endpoint == "":
        return Problem(
            Code.ENDPOINT_UNRESOLVED,
            f"{DEAD}: the endpoint {found.peer} has no IPv4 address now; see whether its name is right (Endpoint in "
            "gateway_provider_config, or gateway_endpoints), and whether the LAN's resolver blocks it",
        )
    if not found.interface:
        return Problem(
            Code.TUNNEL_DEAD,
            f"{DEAD}: there is no wg0 in the VPN namespace; the log of service wireguard says why: "
            "sudo docker logs mediaserver-wireguard-1",
        )
    if not found.handshakes and not found.settled:
        return Problem(Code.TUNNEL_DEAD, DEAD)
    if not found.handshakes and not found.trusted:
        return Problem(
            Code.KEY_OR_ENDPOINT,
            f"{DEAD}: the server {found.peer} has never answered a handshake. A wrong or expired key is the "
            f"most likely cause, then a wrong endpoint; the server may be down, too. Compare {KEYS}, "
            "with a fresh file from the provider",
        )
    if found.handshakes and not found.trusted:
        return Problem(
            Code.TUNNEL_DEAD,
            f"{DEAD}: the server {found.peer} answers handshakes and nothing else; see whether the addresses and "
            "resolvers are those that the provider gave (Address, DNS), and whether the account is still valid",
        )
    return Problem(
        Code.TUNNEL_DEAD,
        f"{DEAD}: the server {found.peer} does not answer any more; see whether the provider has an outage or has "
        "ended this key",
    )


def of_dead_resolver(resolvers: tuple[str, ...]) -> Problem:
    named = ", ".join(resolvers) or "none"
    return Problem(
        Code.RESOLVER_DEAD,
        f"the tunnel carries traffic, names do not resolve: no resolver in it answers ({named}); "
        "see whether the provider has an outage, or set another resolver in gateway_dns",
    )
