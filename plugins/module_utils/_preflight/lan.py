# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Counts the internet addresses in the union of the networks in mediaserver_lan."""

from __future__ import annotations

import ipaddress
import typing as t

from .problem import Problem, problem, warning

Network = ipaddress.IPv4Network
# Networks without hosts on the internet (RFC 6890): private use, shared address space (as a tailnet uses), loopback,
# link-local, benchmarks and documentation.
NOT_PUBLIC = tuple(
    Network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
    )
)
# More than a /16 cannot be a household's own network.
PUBLIC_MAX = 2**16


def public_addresses(allowed: t.Iterable[Network], own: t.Iterable[Network]) -> int:
    """Return the number of internet addresses in the union of the networks, without the host's own networks."""
    excluded = list(ipaddress.collapse_addresses([*NOT_PUBLIC, *own]))
    count = 0
    for network in ipaddress.collapse_addresses(allowed):
        if any(network.subnet_of(other) for other in excluded):
            continue
        inside = sum(other.num_addresses for other in excluded if other.subnet_of(network))
        count += network.num_addresses - inside
    return count


def check_public(allowed: t.Sequence[Network], own: t.Sequence[Network]) -> t.Iterator[Problem]:
    """Reject networks with more than PUBLIC_MAX internet addresses; warn about any."""
    count = public_addresses(allowed, own)
    open_to = (
        "the whole internet"
        if sum(network.num_addresses for network in ipaddress.collapse_addresses(allowed)) >= 2**32
        else (f"{count} addresses of the internet")
    )
    public = ", ".join(str(network) for network in allowed if public_addresses([network], own))
    if count > PUBLIC_MAX:
        yield problem(
            "mediaserver_lan",
            f"{public} would open the web interfaces to {open_to}",
            "list only the networks of your LAN, like 192.168.1.0/24",
        )
    elif count:
        yield warning(
            "mediaserver_lan",
            f"{public} opens the web interfaces to {open_to}, which are in none of the host's own networks",
            "nothing, if these addresses are yours; otherwise remove them",
        )
