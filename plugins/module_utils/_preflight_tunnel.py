# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The preflight checks that concern the tunnel."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.household.mediaserver.plugins.module_utils._preflight_network import house_networks
from ansible_collections.household.mediaserver.plugins.module_utils._problem import (
    Facts,
    Problem,
    Settings,
    problem,
)


def check_tunnel(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """The tunnel's description was read before: `tunnel` is what it says, `tunnel_error` why it cannot be."""
    given = _file(settings)
    if given and settings.get("gateway_endpoints"):
        yield problem(
            "gateway_provider_config",
            "both it and gateway_endpoints are set",
            "keep the one that you use and empty the other",
        )
    elif settings.get("tunnel_error"):
        variable, _colon, rest = str(settings["tunnel_error"]).partition(": ")
        text, _stop, remedy = rest.partition(". ")
        yield problem(variable, text, remedy)
    elif not given and "gateway_endpoints" in settings and not settings["gateway_endpoints"]:
        yield problem(
            "gateway_provider_config",
            "neither it nor gateway_endpoints is set",
            "paste the provider's WireGuard file into the vault",
        )
    variable = "gateway_provider_config" if given else "gateway_endpoints"
    for host in [peer["host"] for peer in (settings.get("tunnel") or {}).get("peers", [])]:
        for label in _networks_around(host, facts):
            yield problem(
                variable,
                f"the endpoint {host} is inside the house's own network {label}",
                "use the provider's server; the tunnel must end outside the house",
            )
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


def check_tunnel_in_house(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Nobody inside could tell such an address from the house's; most often the house's router is named as resolver.

    The stack's own networks are held against the tunnel's by check_subnets.
    """
    tunnel, file = settings.get("tunnel") or {}, _file(settings)
    for kind, variable, what, remedy in (
        ("addresses", "gateway_addresses", "address", "use the one that the provider gave you"),
        ("dns", "gateway_dns", "resolver", "use the provider's, which is asked through the tunnel"),
    ):
        # gateway_dns wins over the file.
        own = not file or (kind == "dns" and settings.get(variable))
        for text in tunnel.get(kind) or []:
            for label in _networks_around(text.partition("/")[0], facts):
                yield problem(
                    variable if own else "gateway_provider_config",
                    f"the tunnel's {what} {text} is inside the house's own network {label}",
                    f"{remedy}; or give the house another network, if the provider's is the same",
                )


def _file(settings: Settings) -> str:
    """The provider's file, empty where the tunnel is described in single fields."""
    return str(settings.get("gateway_provider_config") or "").strip()


def _networks_around(host: str, facts: Facts) -> list[str]:
    """Name the house's networks that an address lies in; of a name, or of IPv6, that is not known here."""
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        return []
    return [label for label, lan in house_networks(facts).items() if address in lan]
