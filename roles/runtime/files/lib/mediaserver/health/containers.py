# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker, and each service of the registry, the household's own ones too: it runs, is healthy, in its namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mediaserver._core.docker import SERVICE_LABEL, DockerClient, label
from mediaserver._core.errors import DockerError, reason
from mediaserver._core.names import DOCKER_UNIT, HOLDER, PROJECT
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, bad, ok, unknown, warning
from mediaserver.services import Service
from mediaserver.tunnel import netns

DOCKER, PREFIX = "docker", "service-"
AUTOMATIC = "vpn-monitor restarts it, a Jellyfin that is in use later"
PLAYBOOK = "run the playbook again: make site"


@dataclass(frozen=True)
class Container:
    """A service's container. ``namespace``: the number of its network namespace, 0 where it was not read."""

    state: str
    status: str = ""
    namespace: int = 0


def check_of(service: str) -> str:
    return f"{PREFIX}{service}"


def read(environment: Environment) -> list[Finding]:
    docker = environment.docker()
    try:
        rows = docker.services(PROJECT)
        found = {
            label(row, SERVICE_LABEL): Container(
                str(row.get("State", "")), str(row.get("Status", "")), _namespace(docker, row)
            )
            for row in rows
        }
    except DockerError as error:
        return without_docker(reason(error), environment.services)
    return judge(environment.services, found)


def _namespace(docker: DockerClient, row: Mapping[str, object]) -> int:
    if row.get("State") != "running":
        return 0
    details = docker.details(str(row["Id"])) or {}
    return netns.identity(int((details.get("State") or {}).get("Pid") or 0))


def without_docker(why: str, services: Sequence[Service]) -> list[Finding]:
    """Pure."""
    remedy = f"see why: sudo journalctl --unit {DOCKER_UNIT}; then: sudo systemctl restart {DOCKER_UNIT}"
    return [bad(DOCKER, why, remedy), *(unknown(check_of(one.name), "Docker does not answer") for one in services)]


def judge(services: Sequence[Service], containers: Mapping[str, Container]) -> list[Finding]:
    """Pure."""
    holder = containers.get(HOLDER, Container("")).namespace
    return [ok(DOCKER, "it answers"), *(_judge(one, containers.get(one.name), holder) for one in services)]


def _judge(service: Service, found: Container | None, holder: int) -> Finding:
    check, logs = check_of(service.name), f"see why: sudo mediaserver logs {service.name}"
    if found is None:
        return bad(check, "it has no container", PLAYBOOK)
    if found.state != "running":
        return bad(check, f"it does not run ({found.state or 'in an unknown state'})", logs)
    if service.namespace != "lan" and holder and found.namespace and found.namespace != holder:
        text = "it is not in the VPN's network namespace any more, so it has no network"
        return bad(check, text, f"vpn-monitor restarts it; if that does not help: {PLAYBOOK}")
    if "(unhealthy)" in found.status:
        text = "it runs, but its own health check fails"
        return bad(check, text, f"{AUTOMATIC}; {logs}" if service.restart_when_unhealthy else logs)
    if "(health: starting)" in found.status:
        return warning(check, "it is starting", logs)
    return ok(check, "it runs")
