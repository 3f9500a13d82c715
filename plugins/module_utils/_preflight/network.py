# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The preflight checks that concern addresses, networks and ports."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .lan import check_public
from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
    warning,
)

# Interfaces that Docker or this collection made: not the house's networks.
OWN_INTERFACE = re.compile(r"docker0|docker_gwbridge|br-vpn|br-jellyfin|br-own-.*|br-[0-9a-f]{12}|veth.*|lo|wg\d+")
Network = ipaddress.IPv4Network


def network(text: t.Any) -> Network | None:
    try:
        return ipaddress.IPv4Network(str(text), strict=True)
    except ValueError:
        return None


def house_networks(facts: Facts) -> dict[str, Network]:
    found = {}
    for entry in facts.get("networks", []):
        parsed = network(entry["cidr"])
        if parsed is not None and not OWN_INTERFACE.fullmatch(entry["interface"]):
            found[f"{entry['cidr']} on {entry['interface']}"] = parsed
    return found


def _any_overlap(lan: list[t.Any], house: t.Iterable[Network]) -> bool:
    """Whether some of the house may come in; an entry that is no network is complained of by itself."""
    allowed = [network(entry) for entry in lan]
    return None in allowed or any(one.overlaps(other) for one in allowed if one for other in house)


def check_lan(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    lan = settings.get("mediaserver_lan")
    if lan is not None and not isinstance(lan, list):
        yield problem("mediaserver_lan", f"{lan!r} is not a list", "write it in brackets, like [192.168.1.0/24]")
        lan = None
    for entry in lan or []:
        parsed = network(entry)
        if parsed is None:
            yield problem(
                "mediaserver_lan",
                f"{entry!r} is not an IPv4 network",
                "write it like 192.168.1.0/24, with no host bits set",
            )
    house = house_networks(facts)
    allowed = [parsed for entry in lan or [] if (parsed := network(entry)) is not None]
    yield from check_public(allowed, list(house.values()))
    if lan is not None and house and not _any_overlap(lan, house.values()):
        yield warning(
            "mediaserver_lan",
            f"it holds none of the host's own networks ({', '.join(house)}), so no client there can open the pages",
            "add the network of your house, unless you come from another one",
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
            "connect it to the house's router",
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
    """The stack's own networks against each other, the house and the tunnel."""
    house, tunnel = house_networks(facts), _tunnel_networks(settings)
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
        taken = {**house, **tunnel, **{f"{name} ({value})": value for name, value in own[:index]}}
        for label, other in taken.items():
            if wanted.overlaps(other):
                yield problem(variable, f"{wanted} overlaps {label}", "choose a private network used nowhere else")
