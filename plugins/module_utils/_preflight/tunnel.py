# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The preflight checks that concern the tunnel."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .network import house_networks
from .problem import (
    Facts,
    Problem,
    Settings,
    note,
    problem,
)

# Names that the kernel, systemd and common programs give to cards, bridges and virtual networks. An interface of
# another name is a VPN program's: each has its own (nordlynx, tun0, proton0, wg-mullvad, tailscale0).
HOUSE_INTERFACE = re.compile(
    r"(en|eth|wl|ww|usb|lan|br|bond|team|vlan|vmbr|virbr|lxc|lxd|incus|podman|cni|flannel|macvlan|macvtap|ipvlan|dummy|veth"
    r"|bnep|end|docker|vnet|uap|ap)[0-9a-zA-Z._@-]*$"
)


def check_tunnel(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """The tunnel's description was read before: `tunnel` is what it says, `tunnel_faults` why it cannot be used."""
    given = _file(settings)
    if given and settings.get("gateway_endpoints"):
        yield problem(
            "gateway_provider_config",
            "both it and gateway_endpoints are set",
            "keep the one that you use and empty the other",
        )
    elif settings.get("tunnel_faults"):
        for fault in settings["tunnel_faults"]:
            yield problem(**{"text" if key == "problem" else key: value for key, value in fault.items()})
    elif not given and "gateway_endpoints" in settings and not settings["gateway_endpoints"]:
        yield problem(
            "gateway_provider_config",
            "neither it nor gateway_endpoints is set",
            "save the provider's WireGuard file as provider.conf in the folder host_vars/<host> of the inventory,"
            " beside the vault, and encrypt it, as README says",
        )
    variable = "gateway_provider_config" if given else "gateway_endpoints"
    for host in [peer["host"] for peer in (settings.get("tunnel") or {}).get("peers", [])]:
        for interface, network in _networks_around(host, facts):
            yield problem(
                variable,
                f"the endpoint {host} is inside the house's own network {network} on {interface}",
                "use the provider's server; the tunnel must end outside the house",
            )
    yield from _notes(settings)
    port = settings.get("gateway_peer_port_forwarded", 0)
    if not str(port).isdecimal() or int(port) > 65535:
        yield problem("gateway_peer_port_forwarded", f"{port!r} is not a port", "use 0 to 65535, 0 for none")
    elif int(port) and settings.get("gateway_natpmp"):
        yield problem(
            "gateway_peer_port_forwarded", "it is set beside gateway_natpmp, which gets a port by itself", "set it to 0"
        )
    elif int(port) in settings.get("gateway_ui_ports", ()):
        yield problem(
            "gateway_peer_port_forwarded",
            f"port {port} is a user interface's, and would be open to the internet",
            "have the provider forward another one",
        )


def _notes(settings: Settings) -> t.Iterator[Problem]:
    """What of the description is not used, or used in another way than written."""
    tunnel = settings.get("tunnel") or {}
    for name in ("gateway_private_key", "gateway_addresses"):
        if _file(settings) and settings.get(name) and not settings.get("gateway_endpoints"):
            yield note(name, "it is not used: gateway_provider_config is set, which holds its own")
    for text in tunnel.get("notes", []):
        place, _colon, what = str(text).partition(": ")
        yield note(place, what)
    if settings.get("mediaserver_ipv6") and tunnel and not any(":" in one for one in tunnel.get("addresses", [])):
        yield note(
            "mediaserver_ipv6", "it is on, but the provider gives no IPv6 address: the tunnel carries IPv4 alone"
        )


def check_tunnel_in_house(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """An address of the tunnel inside a network of the host; often the house's router is named as resolver.

    The stack's own networks are held against the tunnel's by check_subnets.
    """
    tunnel, file = settings.get("tunnel") or {}, _file(settings)
    for kind, variable, what, remedy in (
        (
            "addresses",
            "gateway_addresses",
            "address",
            "use the one that the provider gave you; or give the house another network, if the provider's is the same",
        ),
        (
            "dns",
            "gateway_dns",
            "resolver",
            "set gateway_dns to another resolver that is asked through the tunnel: another one of the provider's, or a"
            " public one like 9.9.9.9; or give the house another network",
        ),
    ):
        # gateway_dns wins over the file.
        own = not file or (kind == "dns" and settings.get(variable))
        for text in tunnel.get(kind) or []:
            for interface, network in _networks_around(text.partition("/")[0], facts):
                told = variable if own else "gateway_provider_config"
                if is_vpn(interface):
                    yield problem(
                        told,
                        f"a VPN already runs on this host: the tunnel's {what} {text} is inside {network} on"
                        f" {interface}",
                        "stop that VPN and switch off its start at boot; the gateway here makes a tunnel of its own",
                    )
                else:
                    yield problem(
                        told,
                        f"the tunnel's {what} {text} is inside the house's own network {network} on {interface}",
                        remedy,
                    )


def is_vpn(interface: str) -> bool:
    return HOUSE_INTERFACE.match(interface) is None


def _file(settings: Settings) -> str:
    """The provider's file, empty where the tunnel is described in single fields."""
    return str(settings.get("gateway_provider_config") or "").strip()


def _networks_around(host: str, facts: Facts) -> list[tuple[str, str]]:
    """Interface and network of the host that an address lies in; of a name, or of IPv6, that is not known here."""
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        return []
    labels = [label for label, lan in house_networks(facts).items() if address in lan]
    return [(label.partition(" on ")[2], label.partition(" on ")[0]) for label in labels]
