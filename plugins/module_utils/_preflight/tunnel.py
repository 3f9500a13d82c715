# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of the tunnel."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .network import lan_networks
from .problem import (
    Facts,
    Problem,
    Settings,
    note,
    problem,
)

# Names that the kernel, systemd and common programs give to network cards, bridges and virtual networks. Other names
# are those of VPN programs (nordlynx, tun0, proton0, wg-mullvad, tailscale0).
LAN_INTERFACE = re.compile(
    r"(en|eth|wl|ww|usb|lan|br|bond|team|vlan|vmbr|virbr|lxc|lxd|incus|podman|cni|flannel|macvlan|macvtap|ipvlan|dummy|veth"
    r"|bnep|end|docker|vnet|uap|ap)[0-9a-zA-Z._@-]*$"
)


def check_tunnel(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Check the description of the tunnel: ``tunnel`` is its normal form, ``tunnel_faults`` its faults."""
    given = _file(settings)
    if given and settings.get("gateway_endpoints"):
        yield problem(
            "gateway_provider_config",
            "both it and gateway_endpoints are set",
            "keep one of the two and empty the other",
        )
    elif settings.get("tunnel_faults"):
        for fault in settings["tunnel_faults"]:
            yield problem(**{"text" if key == "problem" else key: value for key, value in fault.items()})
    elif not given and "gateway_endpoints" in settings and not settings["gateway_endpoints"]:
        yield problem(
            "gateway_provider_config",
            "neither it nor gateway_endpoints is set",
            "save the provider's WireGuard file as provider.conf in the inventory's folder host_vars/<host>, beside"
            " the vault, and encrypt it (see README.md)",
        )
    variable = "gateway_provider_config" if given else "gateway_endpoints"
    for host in [peer["host"] for peer in (settings.get("tunnel") or {}).get("peers", [])]:
        for interface, network in _networks_around(host, facts):
            yield problem(
                variable,
                f"the endpoint {host} is inside the host's own network {network} on {interface}",
                "use the provider's server; the tunnel must end outside the LAN",
            )
    yield from _notes(settings)
    port = settings.get("gateway_peer_port_forwarded", 0)
    if not str(port).isdecimal() or int(port) > 65535:
        yield problem("gateway_peer_port_forwarded", f"{port!r} is not a port", "use 0 to 65535, 0 for none")
    elif int(port) and settings.get("gateway_natpmp"):
        yield problem(
            "gateway_peer_port_forwarded",
            "it is set together with gateway_natpmp, which requests a port from the provider",
            "set it to 0",
        )
    elif int(port) in settings.get("gateway_ui_ports", ()):
        yield problem(
            "gateway_peer_port_forwarded",
            f"port {port} is that of a web interface, which would be open to the internet",
            "let the provider forward another port",
        )


def _notes(settings: Settings) -> t.Iterator[Problem]:
    """Yield notes about parts of the description that are not used, or used in another way."""
    tunnel = settings.get("tunnel") or {}
    for name in ("gateway_private_key", "gateway_addresses"):
        if _file(settings) and settings.get(name) and not settings.get("gateway_endpoints"):
            yield note(name, "it is not used: gateway_provider_config has its own")
    for text in tunnel.get("notes", []):
        place, _colon, what = str(text).partition(": ")
        yield note(place, what)
    if settings.get("mediaserver_ipv6") and tunnel and not any(":" in one for one in tunnel.get("addresses", [])):
        yield note("mediaserver_ipv6", "it is on, but the provider gives no IPv6 address: the tunnel carries only IPv4")


def check_tunnel_in_lan(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Reject addresses and resolvers of the tunnel inside a network of the host, such as the LAN's router as resolver.

    check_subnets compares the tunnel's networks with the stack's own.
    """
    tunnel, file = settings.get("tunnel") or {}, _file(settings)
    for kind, variable, what, remedy in (
        (
            "addresses",
            "gateway_addresses",
            "address",
            "use the provider's address; or change the LAN's network, if the provider uses the same",
        ),
        (
            "dns",
            "gateway_dns",
            "resolver",
            "set gateway_dns to another resolver, which is queried through the tunnel: another of the provider's, or a"
            " public one like 9.9.9.9; or change the LAN's network",
        ),
    ):
        # gateway_dns overrides the file.
        own = not file or (kind == "dns" and settings.get(variable))
        for text in tunnel.get(kind) or []:
            for interface, network in _networks_around(text.partition("/")[0], facts):
                source = variable if own else "gateway_provider_config"
                if is_vpn(interface):
                    yield problem(
                        source,
                        f"a VPN already runs on this host: the tunnel's {what} {text} is inside {network} on"
                        f" {interface}",
                        "stop that VPN and disable its start at boot; the gateway makes its own tunnel",
                    )
                else:
                    yield problem(
                        source,
                        f"the tunnel's {what} {text} is inside the host's own network {network} on {interface}",
                        remedy,
                    )


def is_vpn(interface: str) -> bool:
    """Return whether an interface has the name of a VPN program's."""
    return LAN_INTERFACE.match(interface) is None


def _file(settings: Settings) -> str:
    """Return the provider's file, empty when the tunnel is described by single fields."""
    return str(settings.get("gateway_provider_config") or "").strip()


def _networks_around(host: str, facts: Facts) -> list[tuple[str, str]]:
    """Return interface and network of the host's networks that contain an IPv4 address; none for a name or IPv6."""
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        return []
    labels = [label for label, lan in lan_networks(facts).items() if address in lan]
    return [(label.partition(" on ")[2], label.partition(" on ")[0]) for label in labels]
