# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Which services a household has, and with which ports: registry and variables in, normal form out. Pure.

Preflight judges the variables after the host was measured with what is read here. So nothing is refused here: a port
that is none counts as not published, and a name or an own service that cannot be read is left out.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._core.errors import InvalidValue
from . import own, values
from .model import Port, Project, Registry, Service

SELECTED, PORTS, OWN = "stack_services", "mediaserver_ports", "mediaserver_extra_services"
ROOT, DATA = "mediaserver_root", "mediaserver_data"


def default_names(registry: Registry) -> list[str]:
    """Return the services that a household has where it says nothing."""
    return [one.name for one in registry.services if not one.optional]


def variables(registry: Registry) -> list[str]:
    """Return the names of the household's variables that ``project`` reads."""
    ports = {port.variable for one in registry.services for port in one.ports if "." not in port.variable}
    return [SELECTED, PORTS, OWN, ROOT, DATA, *sorted(ports)]


def project(registry: Registry, given: t.Mapping[str, t.Any]) -> Project:
    """Return the services of a household; a variable that is missing, None or no list or mapping has its default."""
    known = {one.name: one for one in registry.services}
    selected = given.get(SELECTED)
    names = selected if isinstance(selected, list) else default_names(registry)
    with_needed = [one for name in names if name in known for one in (*known[name].needs, name)]
    services = [_published(known[name], given) for name in dict.fromkeys(with_needed)]
    return Project((*services, *_own(given)), registry)


def placeholders(found: Project) -> list[str]:
    """Return the names of the household's variables that the texts of the services stand for."""
    return values.names((found.registry.env, [one for one in found.services if not one.own]))


def _own(given: t.Mapping[str, t.Any]) -> t.Iterator[Service]:
    listed = given.get(OWN)
    for fields in listed if isinstance(listed, list) else ():
        try:
            yield own.read(fields, root=str(given.get(ROOT)), data_root=str(given.get(DATA)))
        except InvalidValue:
            continue


def _published(service: Service, given: t.Mapping[str, t.Any]) -> Service:
    ports = tuple(dataclasses.replace(port, host=_host_port(service.name, port, given)) for port in service.ports)
    return dataclasses.replace(service, ports=ports)


def _host_port(name: str, port: Port, given: t.Mapping[str, t.Any]) -> int:
    if "." not in port.variable:
        return number(given.get(port.variable))
    ports = given.get(PORTS)
    return number(ports[name]) if isinstance(ports, t.Mapping) and name in ports else port.container


def number(value: t.Any) -> int:
    """Return a port, 0 for what is none."""
    try:
        found = int(value or 0)
    except (TypeError, ValueError):
        return 0
    return found if 0 < found < 65536 else 0
