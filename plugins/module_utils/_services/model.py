# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The normal form of the services of one household: values only.

The registry (``roles/mediaserver/files/services.yml``) and a household's own services become the same form, from which
the compose file, ``.env``, both barriers, preflight, vpn-monitor and the checks are made.

In every text, ``<name>`` stands for the value of a household's variable (``<name?>`` for one that may be empty), which
is put in when the compose file is written, and ``${NAME}`` for a line of ``.env``, which compose puts in. A text that
is nothing but one ``<name>`` may stand for a list.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from enum import StrEnum

# The bridge network of the services outside the VPN (compose.yml).
LAN_NETWORK = "house"


class Namespace(StrEnum):
    """The network namespace of a service."""

    HOLDER = "holder"  # it owns the VPN namespace; there is one
    TUNNEL = "tunnel"  # it makes the tunnel in the holder's namespace; there is one
    VPN = "vpn"  # it joins the holder's namespace: its way out is the tunnel
    LAN = "lan"  # it is on the bridge network of the LAN services: its way out is the host's
    NONE = "none"  # it has no network; others reach it by a socket in a shared folder


@dataclass(frozen=True)
class Port:
    """A TCP port on which a service listens."""

    container: int  # as the service has it
    host: int = 0  # as the host publishes it; 0: not published
    web: bool = True  # a web interface for browsers: shown at the end of a run
    variable: str = ""  # of the household, which gives `host`; for messages
    env: str = ""  # line of .env with `host`; empty: the compose file holds the number itself
    scheme: str = "http"  # of the web interface's address


@dataclass(frozen=True)
class HealthCheck:
    """Docker's health check; times in compose's notation (``10s``)."""

    test: tuple[str, ...]  # CMD or CMD-SHELL first
    interval: str = "10s"
    start_interval: str = "1s"
    start_period: str = "60s"
    timeout: str = "5s"
    retries: int = 3


@dataclass(frozen=True)
class Volume:
    """A folder or file of the host inside the container, bound and never created by Docker."""

    source: str  # absolute, or by a placeholder: <mediaserver_root>/config/jackett, ${DOWNLOAD_PATH}/watch
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class SecretFile:
    """A secret of a service, as a file that only the service may read."""

    source: str  # below mediaserver_root: secrets/<service>/<name>
    target: str  # in the container: /run/secrets/<name>
    variable: str = ""  # of the household, which holds it; empty: the own service itself does


@dataclass(frozen=True)
class Backup:
    """What a backup needs of a service; paths below mediaserver_root, a folder with all that is in it."""

    files: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()  # SQLite, to be copied by its backup interface while the service runs


@dataclass(frozen=True)
class Reach:
    """The one port of another service to which new connections are allowed across the barriers."""

    service: str
    port: int  # as that service has it


@dataclass(frozen=True)
class ForwardedPort:
    """How a service receives the port that the provider forwards.

    ``rpc`` is Transmission's; a household's own service gets a file with the number, and a command that is run in its
    container when the number has changed.
    """

    way: str = "file"  # file, rpc
    file: str = ""  # absolute path in the container
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service:
    """One service of the compose project."""

    name: str
    namespace: Namespace
    image: str  # a household's variable as <transmission_image>, or the name of an image
    # Tags of its image that it may follow: `=` for a number that is kept, `*` for one that grows. Empty: by the tag.
    line: str = ""
    title: str = ""  # what the household calls it
    own: bool = False  # of mediaserver_extra_services
    role: str = ""  # the role that configures it, with the variables <role>_*
    optional: bool = False  # not in stack_services by default
    needs: tuple[str, ...] = ()  # services that the household gets with it
    ports: tuple[Port, ...] = ()
    env: t.Mapping[str, str] = field(default_factory=dict)  # its own lines of .env, beside image and ports

    # Our own start-up script first, then what it sources, below roles/stack/files/entrypoints; the digest of all of
    # them recreates the container. Empty: the image's own.
    entrypoint: tuple[str, ...] = ()
    user: str = ""  # of the container; empty: the image's own
    groups: tuple[str, ...] = ()
    environment: t.Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()
    secret_files: tuple[SecretFile, ...] = ()
    devices: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()  # all others are dropped
    read_only: bool = False
    tmpfs: tuple[str, ...] = ()
    sysctls: t.Mapping[str, str] = field(default_factory=dict)
    dns: tuple[str, ...] = ()  # of the holder alone
    healthcheck: HealthCheck | None = None
    memory: str = ""  # ceiling in compose's notation, where the kernel can enforce one; empty: none
    stop_grace_period: str = "10s"
    # Variables on which parts of the above depend, by where they stand (environment.<name>, devices): left out where
    # the variable is empty, false or 0.
    conditions: t.Mapping[str, str] = field(default_factory=dict)
    # What the compose file says about parts of the above, by where they stand (service, dns, volumes.<target>,
    # sysctls.<name>, stop_grace_period).
    comments: t.Mapping[str, str] = field(default_factory=dict)

    folders: tuple[str, ...] = ()  # its configuration, below mediaserver_root; its own account alone may look in
    owner: str = ""  # of its folders and secret files, by number or name on the host; empty: the household's account
    backup: Backup = Backup()
    restart_when_unhealthy: bool = False  # vpn-monitor restarts it when Docker calls it unhealthy
    probe: bool = False  # it is in the VPN namespace and its image has curl: verify sends requests from it
    next_step: str = ""  # what the household does first, said at the end of a run: "add your indexers in Jackett"
    forwarded_port: ForwardedPort | None = None
    reaches: tuple[Reach, ...] = ()

    @property
    def in_vpn(self) -> bool:
        """Whether it uses the holder's namespace, the holder included."""
        return self.namespace not in (Namespace.LAN, Namespace.NONE)

    @property
    def published(self) -> tuple[Port, ...]:
        """The ports of the host that lead to it; those of a VPN service are the holder's in the compose file."""
        return tuple(port for port in self.ports if port.host)


@dataclass(frozen=True)
class Registry:
    """What the data file says."""

    services: tuple[Service, ...]
    env: t.Mapping[str, str]  # lines of .env that all services share
    env_order: tuple[str, ...] = ()  # lines that come before the others of the services


@dataclass(frozen=True)
class Project:
    """All services of one household, in the order of the compose file: those of stack_services, then its own."""

    services: tuple[Service, ...]
    registry: Registry

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.services)

    @property
    def published_ports(self) -> tuple[int, ...]:
        """TCP ports of the host that only mediaserver_lan may open (set ``published`` of the outer barrier)."""
        return tuple(sorted({port.host for one in self.services for port in one.published}))

    @property
    def vpn_ports(self) -> tuple[int, ...]:
        """Published ports as the services in the VPN namespace have them (set ``ui_ports`` of both barriers)."""
        return tuple(sorted({port.container for one in self.services if one.in_vpn for port in one.published}))
