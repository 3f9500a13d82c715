# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that this household has, as ``gateway.json`` lists them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mediaserver._core.errors import GatewayError
from mediaserver._core.names import TRANSMISSION, TUNNEL

IN_VPN = "vpn"  # the namespace of the services that use the tunnel
RPC, FILE = "rpc", "file"


@dataclass(frozen=True)
class Service:
    """One service, as far as the programs on the host must know it; compose.yml says the rest."""

    name: str
    title: str
    namespace: str  # holder, tunnel, vpn or lan
    probe: bool = False  # its image has curl, and verify asks from it
    restart_when_unhealthy: bool = False
    waits: bool = True  # its start waits for the inner barrier
    port_delivery: str = ""  # how it gets the forwarded port: rpc is Transmission's, or file; empty: not at all
    port_file: str = ""  # below the project folder: config/<name>/<path>
    port_command: tuple[str, ...] = ()  # is run in its container when the file has changed

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Service:
        port = data["forwarded_port"] or {}
        return cls(
            str(data["name"]),
            str(data["title"]),
            str(data["namespace"]),
            bool(data["probe"]),
            bool(data["restart_when_unhealthy"]),
            bool(data.get("waits", True)),
            str(port.get("way", "")),
            str(port.get("path", "")),
            tuple(map(str, port.get("command", ()))),
        )


# Where a run was cut off between these programs and gateway.json, which does not list the services then.
UNLISTED = (
    Service(TUNNEL, TUNNEL, "tunnel", restart_when_unhealthy=True),
    Service(TRANSMISSION, "Transmission", IN_VPN, probe=True, port_delivery=RPC),
)


def listed(text: str) -> tuple[Service, ...]:
    """Return the services in the text of ``gateway.json``, and nothing else of it. Raises GatewayError."""
    try:
        return tuple(map(Service.from_json, json.loads(text)["services"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GatewayError(f"gateway.json cannot be used ({error!r}); run the playbook again") from error


def prober(services: Iterable[Service]) -> Service | None:
    """Return the service in the VPN namespace from which verify asks; None where none of them can."""
    return next((one for one in services if one.namespace == IN_VPN and one.probe), None)


def torrents(services: Iterable[Service]) -> Service | None:
    """Return the service that is Transmission; None for a household without it."""
    return next((one for one in services if one.port_delivery == RPC), None)


def port_receiver(services: Iterable[Service]) -> Service | None:
    """Return the own service that gets the forwarded port in Transmission's place, if any."""
    return next((one for one in services if one.port_delivery == FILE), None)


def tells_transmission(services: Iterable[Service]) -> bool:
    """Say whether Transmission gets the forwarded port."""
    known = tuple(services)
    return torrents(known) is not None and port_receiver(known) is None


def ordered(services: Iterable[Service]) -> tuple[str, ...]:
    """Return the names of those in the VPN namespace that may be started only while the holder is healthy."""
    return tuple(one.name for one in services if one.namespace == IN_VPN and not one.waits)


def restarted(services: Iterable[Service]) -> tuple[str, ...]:
    """Return the names of those that are restarted when Docker calls them unhealthy."""
    return tuple(one.name for one in services if one.restart_when_unhealthy)
