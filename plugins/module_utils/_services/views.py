# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A household's services as plain values, for all but the compose file. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._core.names import AUTOHEAL, DOCKER_SERVICES
from . import project, ways
from .model import Namespace, Project, Service
from .own import CONFIG


def whole(found: Project) -> dict[str, t.Any]:
    """Return all that roles and preflight need; the filter ``services`` documents each key."""
    registry = found.registry
    return {
        "names": list(found.names),
        "services": [plain(dataclasses.asdict(one)) for one in found.services],
        "published_ports": list(found.published_ports),
        "vpn_ports": list(found.vpn_ports),
        "pages": [
            {"title": one.title, "port": port.host, "scheme": port.scheme}
            for one in found.services
            for port in one.published
            if port.web
        ],
        "next_steps": [one.next_step for one in found.services if one.next_step],
        "folders": [{"path": folder, "owner": one.owner} for one in found.services for folder in one.folders],
        "secret_files": [
            {"path": secret.source, "owner": one.owner} for one in found.services for secret in one.secret_files
        ],
        "monitored": [monitored(one, autoheal=AUTOHEAL in found.names) for one in found.services],
        "own": [one.name for one in found.services if one.own],
        "barrier": ways.barrier(found),
        "bridges": ways.own_bridges(found),
        "networks": [f"mediaserver_{ways.network(one.name)}" for one in found.services if ways.has_own_network(one)],
        "reach_ports": sorted({way.port for way in ways.ways(found)}),
        "volume_sources": [volume.source for one in found.services if one.own for volume in one.volumes[2:]],
        "port_receiver": next((one.name for one in found.services if one.own and one.forwarded_port), ""),
        "registered": [one.name for one in registry.services],
        "roles": [one.role for one in registry.services if one.role],
        "absent_roles": [one.role for one in registry.services if one.role and one.name not in found.names],
        "default_names": project.default_names(registry),
        "default_memory_limits": {one.name: one.memory for one in registry.services if one.memory},
        "variables": project.variables(registry),
        "placeholders": project.placeholders(found),
    }


def may_be_healed(one: Service) -> bool:
    """Say whether autoheal may restart it. The namespace of the others depends on the holder and on the tunnel."""
    return one.restart_when_unhealthy and one.namespace not in (Namespace.HOLDER, Namespace.TUNNEL)


def may_be_updated(one: Service) -> bool:
    """Say whether watchtower may update it: never the holder, and none of the services that control Docker."""
    return one.namespace is not Namespace.HOLDER and one.name not in DOCKER_SERVICES


def monitored(one: Service, *, autoheal: bool = False) -> dict[str, t.Any]:
    """Return what vpn-monitor and verify know of a service (``gateway.json``); ``autoheal``: that restarts it."""
    return {
        "name": one.name,
        "title": one.title or one.name,
        "namespace": str(one.namespace),
        "probe": one.probe,
        "restart_when_unhealthy": one.restart_when_unhealthy and not (autoheal and may_be_healed(one)),
        "waits": bool(one.entrypoint),
        "forwarded_port": forwarded_port(one),
    }


def forwarded_port(one: Service) -> dict[str, t.Any] | None:
    """Return how a service gets the provider's port, with the file's path below mediaserver_root; None without it."""
    if not (found := one.forwarded_port):
        return None
    path = f"config/{one.name}/{found.file.removeprefix(f'{CONFIG}/')}" if found.file else ""
    return {"way": found.way, "path": path, "command": list(found.command)}


def plain(value: t.Any) -> t.Any:
    """Return ordinary lists, dicts and texts, as Ansible and JSON know them."""
    if isinstance(value, t.Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
