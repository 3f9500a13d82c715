# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The preflight checks that concern the tunnel."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.household.mediaserver.plugins.module_utils._preflight_network import Network, house_networks
from ansible_collections.household.mediaserver.plugins.module_utils._problem import (
    Facts,
    Problem,
    Settings,
    problem,
)


def check_tunnel(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """The tunnel's description was read before: `tunnel` is what it says, `tunnel_error` why it cannot be."""
    given = str(settings.get("gateway_provider_config") or "").strip()
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
        for label, lan in house_networks(facts).items():
            if _address_in(host, lan):
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
    tunnel, file = settings.get("tunnel") or {}, str(settings.get("gateway_provider_config") or "").strip()
    for kind, variable, what, remedy in (
        ("addresses", "gateway_addresses", "address", "use the one that the provider gave you"),
        ("dns", "gateway_dns", "resolver", "use the provider's, which is asked through the tunnel"),
    ):
        # gateway_dns wins over the file.
        own = not file or (kind == "dns" and settings.get(variable))
        for text in tunnel.get(kind) or []:
            for label, lan in house_networks(facts).items():
                if _address_in(text.partition("/")[0], lan):
                    yield problem(
                        variable if own else "gateway_provider_config",
                        f"the tunnel's {what} {text} is inside the house's own network {label}",
                        f"{remedy}; or give the house another network, if the provider's is the same",
                    )


def _address_in(host: str, lan: Network) -> bool:
    """Whether an address lies in a network; of a name, or of IPv6, that is not known here."""
    try:
        return ipaddress.IPv4Address(host) in lan
    except ValueError:
        return False
