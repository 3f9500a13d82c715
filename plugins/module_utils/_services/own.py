# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A household's own services (mediaserver_extra_services) in the normal form. Pure.

What a household may not ask for is refused elsewhere. Each keeps its configuration in config/<name>, at /config in
the container, and gets the data root once, at /data.
"""

from __future__ import annotations

import typing as t

from .._core.errors import InvalidValue
from .model import Backup, ForwardedPort, HealthCheck, Namespace, Port, Reach, SecretFile, Service, Volume
from .registry import Data, env_name, health_check, made

FIELDS = {
    "name",
    "image",
    "namespace",
    "port",
    "published_port",
    "user",
    "environment",
    "secret_files",
    "volumes",
    "capabilities",
    "healthcheck",
    "memory",
    "reaches",
    "forwarded_port",
    "backup",
    "restart_when_unhealthy",
}
CONFIG, DATA, SECRETS = "/config", "/data", "/run/secrets"
# Covered by empty folders: the backups of the household, and the copies of databases from which they are made.
COVERED = (f"{DATA}/backup", f"{DATA}/cache/backup")
# The household's account, as of the services of the registry.
GROUP = "${PGID}"
ACCOUNT = f"${{PUID}}:{GROUP}"
ROOT = "0"
# What it takes to stop is not known; most have a database to close.
STOP_GRACE_PERIOD = "60s"


def read(fields: Data, *, root: str, data_root: str) -> Service:
    """Return one own service. Raises InvalidValue for one that has no normal form, with the field."""
    if not isinstance(fields, t.Mapping) or not fields.get("name"):
        raise InvalidValue("each of the services is a mapping with a name")
    name = str(fields["name"])
    if unknown := sorted(set(fields) - FIELDS):
        raise InvalidValue(f"{name}: no such field: {', '.join(unknown)}")
    if not fields.get("image"):
        raise InvalidValue(f"{name}: image is not set")
    try:
        return _service(name, fields, root, data_root)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise InvalidValue(f"{name}: {error}") from error


def _service(name: str, fields: Data, root: str, data_root: str) -> Service:
    config = f"config/{name}"
    volumes = [Volume(f"{root}/{config}", CONFIG), Volume(data_root, DATA)]
    volumes += [made(f"{name}.volumes", Volume, volume) for volume in fields.get("volumes") or ()]
    secrets = tuple(
        SecretFile(f"secrets/{name}/{file}", f"{SECRETS}/{file}") for file in fields.get("secret_files") or ()
    )
    backup = {key: tuple(f"{config}/{path}" for path in paths) for key, paths in (fields.get("backup") or {}).items()}
    return Service(
        name=name,
        namespace={"vpn": Namespace.VPN, "lan": Namespace.LAN}[str(fields.get("namespace") or "vpn")],
        image=literal(fields["image"]),
        title=name,
        own=True,
        ports=_ports(name, fields),
        user=_user(literal(fields.get("user") or "")),
        environment={"TZ": "${TZ}", **{key: literal(text) for key, text in (fields.get("environment") or {}).items()}},
        volumes=tuple(volumes),
        secret_files=secrets,
        tmpfs=COVERED,
        capabilities=tuple(map(capability, fields.get("capabilities") or ())),
        healthcheck=_health(fields["healthcheck"]) if fields.get("healthcheck") else None,
        memory=str(fields.get("memory") or ""),
        stop_grace_period=STOP_GRACE_PERIOD,
        folders=(config, *_folders(f"{root}/{config}", config, volumes[2:])),
        owner=_owner(fields),
        backup=made(f"{name}.backup", Backup, {"files": (config,), **backup}),
        restart_when_unhealthy=bool(fields.get("restart_when_unhealthy", False)),
        forwarded_port=_forwarded(name, fields["forwarded_port"]) if fields.get("forwarded_port") else None,
        reaches=tuple(Reach(str(other), int(port)) for other, port in (fields.get("reaches") or {}).items()),
    )


def capability(name: str) -> str:
    """Return a capability as compose has it, without the prefix: cap_net_raw is NET_RAW."""
    return name.strip().upper().removeprefix("CAP_")


def _folders(own: str, config: str, volumes: list[Volume]) -> t.Iterator[str]:
    """Yield the folders below its configuration that it gets at another place too: they are made like the first one."""
    found: dict[str, None] = {}
    for volume in volumes:
        parts = volume.source.removeprefix(f"{own}/").split("/") if volume.source.startswith(f"{own}/") else []
        found |= {"/".join((config, *parts[: count + 1])): None for count in range(len(parts))}
    yield from found


def _user(given: str) -> str:
    """Return user and group. Without a group, Docker takes that of the image's passwd file, or root's."""
    user, _colon, group = given.partition(":")
    if not user:
        return ACCOUNT
    return f"{user}:{group or (ROOT if user == ROOT else GROUP)}"


def _owner(fields: Data) -> str:
    """Return who owns its configuration: its user, or the one to which it changes from root, as images with PUID do."""
    user = str(fields.get("user") or "").partition(":")[0]
    if user != ROOT:
        return user
    changed = str((fields.get("environment") or {}).get("PUID") or "")
    return changed if changed.isdecimal() else ROOT


def literal(value: t.Any) -> str:
    """Return a text that compose leaves alone."""
    return str(value).replace("$", "$$")


def _ports(name: str, fields: Data) -> tuple[Port, ...]:
    if not fields.get("port"):
        return ()
    where = f"mediaserver_extra_services.{name}.published_port"
    return (Port(int(fields["port"]), int(fields.get("published_port") or 0), True, where, f"{env_name(name)}_PORT"),)


def _health(fields: Data) -> HealthCheck:
    """A test that is a text is for a shell, as in compose."""
    test = fields["test"]
    words = ("CMD-SHELL", test) if isinstance(test, str) else tuple(test)
    return health_check(fields, tuple(map(literal, words)))


def _forwarded(name: str, fields: Data) -> ForwardedPort:
    given = {**fields, "command": tuple(fields.get("command") or ())}
    return t.cast(ForwardedPort, made(f"{name}.forwarded_port", ForwardedPort, given))
