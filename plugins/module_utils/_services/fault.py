# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What is wrong with a household's own service, and what the checks of one need to know of the household."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .model import Project, Registry, Service

VARIABLE = "mediaserver_extra_services"


@dataclass(frozen=True)
class Fault:
    """One thing that is refused, or warned of where it is not ``serious``."""

    place: str  # mediaserver_extra_services[0].image
    problem: str
    remedy: str
    serious: bool = True


Faults = t.Iterator[Fault]
Fields = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Entry:
    """One item of the list as the household has written it."""

    index: int
    name: str  # empty where it has none
    fields: Fields

    def place(self, field: str = "") -> str:
        return f"{VARIABLE}[{self.index}]{'.' if field else ''}{field}"

    def fault(self, field: str, problem: str, remedy: str, *, serious: bool = True) -> Fault:
        return Fault(self.place(field), f"{self.name}: {problem}" if self.name else problem, remedy, serious)

    @property
    def in_vpn(self) -> bool:
        return self.fields.get("namespace", "vpn") == "vpn"


@dataclass(frozen=True)
class Household:
    """What the checks compare with. ``project`` has the services whose form can be read, the own ones included."""

    project: Project
    root: str
    data: str
    bind_address: str = "0.0.0.0"
    natpmp: bool = False  # the provider is asked for a forwarded port (gateway_natpmp)
    forwarded_port: int = 0  # the one that it always forwards (gateway_peer_port_forwarded)
    torrent_port: int = 0  # Transmission's own, where it does not get the provider's (transmission_peer_port)
    secrets: t.Mapping[str, str] | None = None  # texts that no environment may hold, with their variables

    @property
    def forwards_port(self) -> bool:
        return self.natpmp or bool(self.forwarded_port)

    @property
    def peer_ports(self) -> dict[int, str]:
        """Ports of torrents in the VPN namespace, with the variables that set them."""
        torrents = self.torrent_port if any(one.forwarded_port for one in self.others) else 0
        found = {torrents: "transmission_peer_port", self.forwarded_port: "gateway_peer_port_forwarded"}
        return {number: variable for number, variable in found.items() if number}

    @property
    def registry(self) -> Registry:
        return self.project.registry

    @property
    def own(self) -> tuple[Service, ...]:
        return tuple(one for one in self.project.services if one.own)

    @property
    def others(self) -> tuple[Service, ...]:
        """The household's services of the registry."""
        return tuple(one for one in self.project.services if not one.own)
