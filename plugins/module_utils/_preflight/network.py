# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of addresses, networks and ports."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .._core.names import JELLYFIN_BRIDGE, OWN_BRIDGE_PREFIX, VPN_BRIDGE
from .lan import check_public
from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
    warning,
)

# Interfaces of Docker and of this collection, whose networks are not the LAN.
OWN_INTERFACE = re.compile(
    rf"docker0|docker_gwbridge|{VPN_BRIDGE}|{JELLYFIN_BRIDGE}|{OWN_BRIDGE_PREFIX}.*|br-[0-9a-f]{{12}}|veth.*|lo|wg\d+"
)
Network = ipaddress.IPv4Network


def network(text: t.Any) -> Network | None:
    """Return an IPv4 network in CIDR notation (RFC 4632); None for any other value."""
    try:
        return ipaddress.IPv4Network(str(text), strict=True)
    except ValueError:
        return None


def lan_networks(facts: Facts) -> dict[str, Network]:
    """Return the host's own networks, those of Docker and this collection left out, as "network on interface"."""
    found = {}
    for entry in facts.get("networks", []):
        parsed = network(entry["cidr"])
        if parsed is not None and not OWN_INTERFACE.fullmatch(entry["interface"]):
            found[f"{entry['cidr']} on {entry['interface']}"] = parsed
    return found


def _any_overlap(allowed: list[t.Any], own: t.Iterable[Network]) -> bool:
    """Return whether a network overlaps the host's own, or is invalid and so reported by check_lan."""
    parsed = [network(entry) for entry in allowed]
    return None in parsed or any(one.overlaps(other) for one in parsed if one for other in own)


def check_lan(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    lan = settings.get("mediaserver_lan")
    if lan is not None and not isinstance(lan, list):
        yield problem("mediaserver_lan", f"{lan!r} is not a list", "write it as a list, like [192.168.1.0/24]")
        lan = None
    for entry in lan or []:
        parsed = network(entry)
        if parsed is None:
            yield problem(
                "mediaserver_lan",
                f"{entry!r} is not an IPv4 network",
                "write it like 192.168.1.0/24, with no host bits set",
            )
    own = lan_networks(facts)
    allowed = [parsed for entry in lan or [] if (parsed := network(entry)) is not None]
    yield from check_public(allowed, list(own.values()))
    if lan is not None and own and not _any_overlap(lan, own.values()):
        yield warning(
            "mediaserver_lan",
            f"it has none of the host's own networks ({', '.join(own)}), so no client on them can open the web"
            " interfaces",
            "add the network of your LAN, unless all clients are on another network",
        )
    bind = settings.get("mediaserver_bind_address")
    if bind is not None:
        try:
            ipaddress.IPv4Address(bind)
        except ValueError:
            yield problem(
                "mediaserver_bind_address",
                f"{bind!r} is not an IPv4 address",
                "use 0.0.0.0 or the host's own address on the LAN",
            )
    if not settings.get("preflight_installed") and facts.get("default_interface") == "":
        yield problem(
            "default_interface",
            "the host has no default route, so packages and images cannot be fetched",
            "connect it to the LAN's router",
        )


def _tunnel_networks(settings: Settings) -> dict[str, Network]:
    tunnel = settings.get("tunnel") or {}
    found = {}
    for kind in ("addresses", "dns"):
        for text in tunnel.get(kind) or []:
            try:
                found[f"the tunnel's {text}"] = ipaddress.IPv4Interface(text).network
            except ValueError:
                continue
    return found


def check_subnets(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Check that the stack's networks do not overlap each other, the host's own networks or the tunnel's."""
    lan, tunnel = lan_networks(facts), _tunnel_networks(settings)
    own: list[tuple[str, Network]] = []
    if "gateway_subnet" in settings:
        subnet = network(settings["gateway_subnet"])
        if subnet is None or not 16 <= subnet.prefixlen <= 29:
            yield problem(
                "gateway_subnet",
                f"{settings['gateway_subnet']!r} is not an IPv4 network of /16 to /29",
                "write it like 172.31.254.0/24, with no host bits set",
            )
        else:
            own.append(("gateway_subnet", subnet))
    for pool in settings.get("docker_address_pools") or []:
        base = network(pool.get("base") if isinstance(pool, dict) else pool)
        if base is None:
            yield problem(
                "docker_address_pools",
                f"{pool!r} has no IPv4 network as its base",
                "write it like {base: 172.30.0.0/16, size: 24}",
            )
        else:
            own.append(("docker_address_pools", base))
    for index, (variable, wanted) in enumerate(own):
        taken = {**lan, **tunnel, **{f"{name} ({value})": value for name, value in own[:index]}}
        for label, other in taken.items():
            if wanted.overlaps(other):
                yield problem(variable, f"{wanted} overlaps {label}", "choose a private network that is not in use")
