# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""How one service opens a port of another one in another namespace (`reaches`). Pure.

Docker lets no packet pass from one bridge network to another (its chains DOCKER-ISOLATION-STAGE-1 and -2; since
version 28 the default rule of its chain DOCKER), whatever other tables accept. So each own service outside the VPN has
a network and a bridge of its own, and all ways lead over the host: a service that is reached is published at the
host's address on the VPN bridge as well, where Docker's proxy answers, and both barriers know who may open which port
there. A household that does without ways has none of this.
"""

from __future__ import annotations

import hashlib
import ipaddress
import typing as t
from dataclasses import dataclass

from .._core.names import HOLDER, OWN_BRIDGE_PREFIX, VPN_BRIDGE
from .model import Namespace, Port, Project, Service

# Of the network of an own service outside the VPN, in the compose file.
NETWORK_PREFIX = "own_"
LONGEST_INTERFACE = 15  # IFNAMSIZ of Linux, less the final zero
EVERY_ADDRESS = "0.0.0.0"


@dataclass(frozen=True)
class Way:
    """One service, and the port of another one that it may open."""

    source: Service
    target: Service
    port: int  # as the target has it

    @property
    def bridge(self) -> str:
        """The bridge by which the connection comes to the host."""
        return VPN_BRIDGE if self.source.in_vpn else bridge(self.source.name)


def bridge(name: str) -> str:
    """Return the bridge of an own service outside the VPN: br-own-sonarr, or with a digest where that is too long."""
    whole = f"{OWN_BRIDGE_PREFIX}{name}"
    if len(whole) <= LONGEST_INTERFACE:
        return whole
    return f"{OWN_BRIDGE_PREFIX}{name[:3]}{hashlib.sha256(name.encode()).hexdigest()[:5]}"


def network(name: str) -> str:
    """Return the key of an own service's network in the compose file."""
    return f"{NETWORK_PREFIX}{name}"


def has_own_network(service: Service) -> bool:
    return service.own and service.namespace is Namespace.LAN


def ways(project: Project) -> list[Way]:
    """Return what own services reach, in their order; what does not exist or needs no way is left out."""
    known = {one.name: one for one in project.services}
    found = [(one, known[reach.service], reach.port) for one in project.services for reach in one.reaches
             if reach.service in known]  # fmt: skip
    return [Way(*way) for way in found if way[0] != way[1] and not (way[0].in_vpn and way[1].in_vpn)]


def own_bridges(project: Project) -> list[str]:
    return [bridge(one.name) for one in project.services if has_own_network(one)]


def bindings(project: Project, bind_address: str) -> dict[str, list[int]]:
    """Return by service the ports at which it is published at the host's address on the VPN bridge.

    Left out are those that are published at every address of the host under the same number.
    """
    found: dict[str, list[int]] = {}
    for way in ways(project):
        everywhere = [port.container for port in way.target.published if port.host == port.container]
        if bind_address == EVERY_ADDRESS and way.port in everywhere:
            continue
        ports = found.setdefault(way.target.name, [])
        if way.port not in ports:
            ports.append(way.port)
    return found


def holder_bindings(project: Project, bind_address: str) -> list[int]:
    """Return those of the services in the VPN namespace: its ports are the holder's."""
    in_vpn = {one.name for one in project.services if one.in_vpn}
    return [port for name, ports in bindings(project, bind_address).items() if name in in_vpn for port in ports]


def hosts(project: Project) -> dict[str, list[str]]:
    """Return by service the names that lead to the host's address on the VPN bridge; VPN services have the holder's."""
    found: dict[str, list[str]] = {}
    for way in ways(project):
        names = found.setdefault(HOLDER if way.source.in_vpn else way.source.name, [])
        if way.target.name not in names:
            names.append(way.target.name)
    return found


def bridge_address(subnet: str) -> str:
    """Return the host's address on the VPN bridge. Raises ValueError for what is not a network."""
    return str(ipaddress.IPv4Network(subnet)[1])


def extra_ports(names: t.Iterable[int]) -> tuple[Port, ...]:
    return tuple(Port(port, port) for port in names)


def barrier(project: Project) -> dict[str, t.Any]:
    """Return what both barriers know of own services (``gateway.json``); empty for a household without any need."""
    bridges, found = own_bridges(project), ways(project)
    listened = sorted({port.container for one in project.services if one.in_vpn for port in one.ports})
    settings: dict[str, t.Any] = {}
    if any(one.own for one in project.services):
        settings["vpn_service_ports"] = listened
    if bridges:
        settings["own_bridges"] = bridges
    if found:
        settings["reaches"] = [{"bridge": way.bridge, "port": way.port} for way in found]
        inside = {way.port for way in found if way.target.in_vpn}
        settings["reached_ports"] = sorted(inside - set(project.vpn_ports))
    return settings
