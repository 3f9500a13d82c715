# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The compose file of a household. Pure: normal form and values in, text out."""

from __future__ import annotations

import hashlib
import typing as t

from .._core.docker import DOCKER_SOCKET
from .._core.names import AUTOHEAL, HOLDER, JELLYFIN_BRIDGE, VPN_BRIDGE, WATCHTOWER
from . import views, ways
from .env import image_name
from .model import LAN_NETWORK, HealthCheck, Namespace, Port, Project, Service, Volume
from .registry import FOLDER
from .values import Values
from .yaml_text import block, flow, path, quoted

HEADER = """\
# Managed by household.mediaserver. Numbers and names that a household may look up are in .env beside this file.
name: mediaserver

services:
"""
VPN_NETWORK = f"""\
networks:
  vpn:
    driver: bridge
    driver_opts:
      com.docker.network.bridge.name: {VPN_BRIDGE}
    ipam:
      config:
        - subnet: <gateway_subnet>
          gateway: <bridge_address>
"""
HOUSE_NETWORK = (
    "  # The outer barrier knows the bridge by its name: only mediaserver_lan reaches Jellyfin. A network of an earlier"
    f""" version
  # has a bridge of another name, and compose would keep it; so this one has a name of its own.
  house:
    name: mediaserver_jellyfin
    driver: bridge
    driver_opts: {{com.docker.network.bridge.name: {JELLYFIN_BRIDGE}}}
"""
)
OWN_NETWORK = """\
  {network}:
    driver: bridge
    driver_opts: {{com.docker.network.bridge.name: {bridge}}}
"""


class Compose:
    """The compose project of one household.

    ``limits`` holds the memory ceilings of the registry's services by name, None where the kernel enforces none;
    ``files`` the entry points' files by name, for the digests; ``secrets`` a digest of the secrets of each own service
    that has some.
    """

    def __init__(
        self,
        project: Project,
        values: Values,
        *,
        limits: t.Mapping[str, t.Any] | None,
        files: t.Mapping[str, str],
        secrets: t.Mapping[str, str] | None = None,
    ) -> None:
        self._project, self._values, self._limits, self._files = project, values, limits, files
        self._secrets = secrets or {}
        self._hosts = ways.hosts(project)
        bind_address = str(values.get("mediaserver_bind_address") or ways.EVERY_ADDRESS)
        self._bindings = ways.bindings(project, bind_address)

    def text(self) -> str:
        """Return the compose file. Raises InvalidValue for a variable without a value, KeyError for an entry point."""
        lines = [f"  {line}" for service in self._project.services for line in self._service(service)]
        return HEADER + "".join(f"{line}\n" for line in lines) + "".join(self._networks())

    def _networks(self) -> t.Iterator[str]:
        yield self._values.text(VPN_NETWORK)
        outside = [one for one in self._project.services if one.namespace is Namespace.LAN]
        if not all(map(ways.has_own_network, outside)):
            yield HOUSE_NETWORK
        for one in filter(ways.has_own_network, outside):
            yield OWN_NETWORK.format(network=ways.network(one.name), bridge=ways.bridge(one.name))

    def other_folders(self) -> list[str]:
        """Return what containers bind below neither mediaserver_root nor mediaserver_data, without Docker's socket."""
        roots = (
            f"{DOCKER_SOCKET}/",
            *(f"{self._values.get(name)}/" for name in ("mediaserver_root", "mediaserver_data")),
        )
        sources = (self._text(one, volume.source) for one in self._project.services for volume in one.volumes)
        return sorted({path for path in sources if path.startswith("/") and not f"{path}/".startswith(roots)})

    def _text(self, service: Service, text: str) -> str:
        # What a household has written into its own service is no text of the registry.
        return text if service.own else self._values.text(text)

    def _texts(self, service: Service, texts: tuple[str, ...]) -> list[str]:
        return list(texts) if service.own else self._values.texts(texts)

    def _service(self, one: Service) -> t.Iterator[str]:
        yield from _comment(one, "service")
        yield f"{one.name}:"
        # The gateway's own say what they get of the kernel after what they may do; the others the other way round.
        gateway = one.namespace in (Namespace.HOLDER, Namespace.TUNNEL)
        parts = [
            self._start(one),
            self._place(one),
            [] if gateway else self._surroundings(one),
            self._environment(one),
            self._rights(one),
            self._surroundings(one) if gateway else [],
            self._ceiling(one),
            self._volumes(one),
            _health(one.healthcheck),
            [*_comment(one, "stop_grace_period"), f"stop_grace_period: {one.stop_grace_period}"],
        ]
        for part in parts:
            yield from (f"  {line}" for line in part)

    def _start(self, one: Service) -> t.Iterator[str]:
        yield f"image: ${{{image_name(one)}}}"
        # Docker keeps no order when it starts. What cannot wait for the inner barrier by itself is started by compose
        # and vpn-monitor alone.
        yield f"restart: {quoted('no') if one.in_vpn and not one.entrypoint else 'unless-stopped'}"
        if one.entrypoint:
            yield f"entrypoint: {flow(['/bin/sh', f'{FOLDER}/{one.entrypoint[0]}'])}"
        if labels := self._labels(one):
            yield f"labels: {{{', '.join(f'{name}: {quoted(value)}' for name, value in labels.items())}}}"
        if one.user:
            yield f"user: {quoted(one.user)}"

    def _labels(self, one: Service) -> dict[str, str]:
        labels = {}
        if one.entrypoint:
            labels["mediaserver.entrypoint"] = self._digest(one)
        if one.name in self._secrets:
            # Another secret recreates the container, which reads it when it starts.
            labels["mediaserver.secrets"] = self._secrets[one.name]
        if AUTOHEAL in self._project.names and views.may_be_healed(one):
            labels["autoheal"] = "true"
        if WATCHTOWER in self._project.names:
            labels["com.centurylinklabs.watchtower.enable"] = "true" if views.may_be_updated(one) else "false"
        return labels

    def _digest(self, one: Service) -> str:
        return hashlib.sha256("".join(self._files[name].rstrip() for name in one.entrypoint).encode()).hexdigest()

    @staticmethod
    def _place(one: Service) -> t.Iterator[str]:
        if one.namespace is Namespace.NONE:
            yield "network_mode: none"
        if one.needs:
            yield "depends_on:"
            yield from (f"  {name}: {{condition: service_healthy}}" for name in one.needs)
        if one.namespace in (Namespace.TUNNEL, Namespace.VPN):
            yield f"network_mode: service:{HOLDER}"
            yield "depends_on:"
            yield f"  {HOLDER}: {{condition: service_healthy, restart: true}}"

    def _surroundings(self, one: Service) -> t.Iterator[str]:
        """What it gets of the kernel and of the host's network."""
        if one.sysctls:
            yield "sysctls:"
            for name, value in one.sysctls.items():
                yield from (f"  {line}" for line in _comment(one, f"sysctls.{name}"))
                yield f"  {name}: {self._text(one, value)}"
        if groups := self._texts(one, one.groups):
            yield f"group_add: {flow(groups)}"
        if self._holds(one, "devices") and (devices := self._texts(one, one.devices)):
            yield f"devices: {flow(devices)}"
        if one.namespace is Namespace.HOLDER:
            yield "networks:"
            yield f"  {HOLDER}: {{ipv4_address: {self._values.text('<holder_address>')}}}"
        elif one.namespace is Namespace.LAN:
            yield f"networks: [{ways.network(one.name) if ways.has_own_network(one) else LAN_NETWORK}]"
        if dns := self._texts(one, one.dns):
            yield from _comment(one, "dns")
            yield f"dns: {flow(dns)}"
        if names := self._hosts.get(one.name):
            yield "extra_hosts:"
            yield from (f"  {name}: {self._values.text('<bridge_address>')}" for name in names)
        ports = [*map(_port, self._ports(one)), *self._bound(one)]
        if ports:
            yield "ports:"
            yield from (f"  - {quoted(port)}" for port in ports)

    def _ports(self, one: Service) -> list[Port]:
        """Return a service's published ports. The holder publishes those of all services in its namespace."""
        if one.namespace is Namespace.HOLDER:
            return [port for each in self._project.services if each.in_vpn for port in each.published]
        return list(one.published) if one.namespace is Namespace.LAN else []

    def _bound(self, one: Service) -> t.Iterator[str]:
        """Where other services reach it, or, of the holder, those in its namespace."""
        if one.namespace in (Namespace.HOLDER, Namespace.LAN):
            found = [each.name for each in self._project.services if each.in_vpn] if one.in_vpn else [one.name]
            for port in [port for name in found for port in self._bindings.get(name, ())]:
                yield f"{self._values.text('<bridge_address>')}:{port}:{port}"

    def _environment(self, one: Service) -> t.Iterator[str]:
        texts = {name: text for name, text in one.environment.items() if self._holds(one, f"environment.{name}")}
        if texts:
            yield "environment:"
            yield from (f"  {name}: {block(self._text(one, text))}" for name, text in texts.items())

    @staticmethod
    def _rights(one: Service) -> t.Iterator[str]:
        if one.read_only:
            yield "read_only: true"
        if one.tmpfs:
            yield f"tmpfs: {flow(one.tmpfs)}"
        yield "cap_drop: [ALL]"
        if one.capabilities:
            yield f"cap_add: {flow(one.capabilities)}"
        yield "security_opt: [no-new-privileges:true]"

    def _ceiling(self, one: Service) -> t.Iterator[str]:
        if self._limits is not None and (memory := one.memory if one.own else self._limits.get(one.name)):
            yield f"mem_limit: {memory}"

    def _volumes(self, one: Service) -> t.Iterator[str]:
        ours = [Volume("<mediaserver_root>/entrypoints", FOLDER, read_only=True)] if one.entrypoint else []
        root = self._values.get("mediaserver_root")
        secrets = [Volume(f"{root}/{secret.source}", secret.target, read_only=True) for secret in one.secret_files]
        volumes = [*ours, *one.volumes, *secrets]
        if volumes:
            yield "volumes:"
        for volume in volumes:
            yield from (f"  {line}" for line in _comment(one, f"volumes.{volume.target}"))
            source, target = path(self._text(one, volume.source)), path(volume.target)
            read_only = " read_only: true," if volume.read_only else ""
            bind = f"{read_only} bind: {{create_host_path: false}}"
            yield f"  - {{type: bind, source: {source}, target: {target},{bind}}}"

    def _holds(self, one: Service, part: str) -> bool:
        variable = one.conditions.get(part)
        return variable is None or bool(self._values.get(variable))


def _comment(one: Service, part: str) -> list[str]:
    return [f"# {line}" for line in one.comments.get(part, "").splitlines()]


def _port(port: Port) -> str:
    host = f"${{{port.env}}}" if port.env else str(port.host)
    return f"${{BIND_ADDRESS}}:{host}:{port.container}"


def _health(check: HealthCheck | None) -> t.Iterator[str]:
    if check:
        yield "healthcheck:"
        yield f"  test: {flow(check.test)}"
        for name in ("interval", "start_interval", "start_period", "timeout", "retries"):
            yield f"  {name}: {getattr(check, name)}"
