# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What own services share with others: ports of the VPN namespace, ways to other services, the forwarded port. Pure."""

from __future__ import annotations

import typing as t

from . import ways
from .fault import Entry, Fault, Faults, Household
from .model import Namespace, Service

Users = dict[int, list[str]]


def faults(entries: t.Sequence[Entry], household: Household) -> Faults:
    """Yield what is wrong between services whose own form is right."""
    yield from _ports_inside(entries, household)
    for entry in entries:
        for name, port in (entry.fields.get("reaches") or {}).items():
            yield from _reach(entry, str(name), int(port), household)
    yield from _bindings(entries, household)
    yield from _forwarded(entries, household)


def _ports_inside(entries: t.Sequence[Entry], household: Household) -> Faults:
    """All services in the VPN namespace have one set of ports."""
    users: Users = {}
    for one in household.others:
        for listened in one.ports if one.in_vpn else ():
            users.setdefault(listened.container, []).append(one.name)
    for number, variable in household.peer_ports.items():
        users.setdefault(number, []).append(f"torrents ({variable})")
    own = [entry for entry in entries if entry.in_vpn and "port" in entry.fields]
    for entry in own:
        users.setdefault(int(entry.fields["port"]), []).append(entry.name)
    for entry in own:
        port = int(entry.fields["port"])
        if others := [name for name in users[port] if name != entry.name]:
            problem = f"port {port} is used in the VPN namespace already, by {' and '.join(others)}"
            remedy = "have it listen at another port, by its own configuration, and write that one; or namespace: lan"
            yield entry.fault("port", problem, remedy)


def _reach(entry: Entry, name: str, port: int, household: Household) -> Faults:
    where = f"reaches.{name}"
    known = {one.name: one for one in household.project.services}
    target = known.get(name)
    if name == entry.name:
        yield entry.fault(where, "it is the service itself", f"remove it; the service has itself at 127.0.0.1:{port}")
    elif target is None:
        left_out = name in {one.name for one in household.registry.services}
        found = "this household does not have that service" if left_out else "there is no service of this name"
        others = [one for one in known if one != entry.name and known[one].ports]
        yield entry.fault(where, found, f"name one of {', '.join(others) or 'none'}")
    elif target.namespace in (Namespace.HOLDER, Namespace.TUNNEL):
        yield entry.fault(where, f"{name} is a part of the gateway and has no port for other services", "remove it")
    elif target.in_vpn and entry.in_vpn:
        problem = "both are in the VPN namespace, so no way is needed"
        yield entry.fault(where, problem, f"remove it; the address is 127.0.0.1:{port}")
    elif port not in _ports(target):
        ports = ", ".join(map(str, _ports(target))) or "none"
        yield entry.fault(where, f"{name} does not listen at port {port}", f"write its port in the container ({ports})")


def _ports(service: Service) -> list[int]:
    return [port.container for port in service.ports]


def _bindings(entries: t.Sequence[Entry], household: Household) -> Faults:
    """Two services cannot answer at one port of the host's address on the VPN bridge."""
    taken: dict[int, tuple[str, str]] = {}
    if household.bind_address == ways.EVERY_ADDRESS:
        for one in household.project.services:
            for port in one.published:
                taken[port.host] = (one.name, "published_port" if one.own else f"mediaserver_ports.{one.name}")
    first: dict[int, str] = {}
    for entry in entries:
        for name, port in (entry.fields.get("reaches") or {}).items():
            service, variable = taken.get(int(port), (name, ""))
            other = first.setdefault(int(port), str(name))
            place = f"reaches.{name}"
            if service != name:
                problem = f"port {port} of the host leads to {service}, so {name} cannot be reached at it"
                yield entry.fault(place, problem, f"give {service} another port of the host ({variable})")
            elif other != name:
                problem = f"{name} and {other} are both reached at port {port}"
                yield entry.fault(place, problem, "have one of them listen at another port, by its own configuration")


def _forwarded(entries: t.Sequence[Entry], household: Household) -> Faults:
    claims = [entry for entry in entries if "forwarded_port" in entry.fields]
    for entry in claims:
        if not entry.in_vpn:
            problem = "the provider's port leads into the VPN namespace, and this service is outside"
            yield entry.fault("forwarded_port", problem, "write namespace: vpn, or remove it")
        elif not household.forwards_port:
            problem = "the household has no forwarded port"
            remedy = "set gateway_natpmp: true or gateway_peer_port_forwarded, or remove it"
            yield entry.fault("forwarded_port", problem, remedy)
        elif len(claims) > 1:
            names = " and ".join(other.name for other in claims if other is not entry)
            yield entry.fault("forwarded_port", f"{names} claims it, too", "give the port to one service alone")
    if len(claims) == 1 and household.forwards_port:
        yield from _displaced(claims[0], household)


def _displaced(entry: Entry, household: Household) -> t.Iterator[Fault]:
    for one in household.others:
        if not one.forwarded_port or not entry.in_vpn:
            continue
        if household.forwarded_port and household.torrent_port == household.forwarded_port:
            problem = f"the provider's port goes to this service, and {one.title} listens at it, too"
            yield entry.fault("forwarded_port", problem, "give transmission_peer_port another number")
        else:
            problem = f"the provider's port goes to this service, so {one.title} does not get it and has no open port"
            remedy = f"nothing, if you mean that; else remove it here, or leave {one.name} out of stack_services"
            yield entry.fault("forwarded_port", problem, remedy, serious=False)
