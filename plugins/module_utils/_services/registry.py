# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads the data file of the services into the normal form. Pure: its content in, values out."""

from __future__ import annotations

import dataclasses
import typing as t

from .._core.errors import InvalidValue
from .model import Backup, ForwardedPort, HealthCheck, Namespace, Port, Registry, SecretFile, Service, Volume

FOLDER = "/entrypoints"  # where a container has roles/stack/files/entrypoints
Data = t.Mapping[str, t.Any]


def read(data: Data) -> Registry:
    """Return the registry. Raises InvalidValue for what the schema does not know."""
    services = [_service(name, fields) for name, fields in data["services"].items()]
    return Registry(tuple(services), _texts(data["env"]), tuple(data.get("env_order", ())))


def health_check(fields: Data, test: tuple[str, ...]) -> HealthCheck:
    """Return a health check with the times of ``fields``. Raises InvalidValue."""
    return made("healthcheck", HealthCheck, {**fields, "test": test})


def made(where: str, kind: type[t.Any], fields: Data) -> t.Any:
    """Return a value of a dataclass. Raises InvalidValue that names the field which it does not have, or needs."""
    try:
        return kind(**fields)
    except TypeError as error:
        raise InvalidValue(f"{where}: {str(error).removeprefix(f'{kind.__name__}.__init__() ')}") from error


def _service(name: str, fields: Data) -> Service:
    given = dict(fields)
    known = {field.name: field for field in dataclasses.fields(Service)}
    # One text will do where several may stand.
    for key, value in given.items():
        if key in known and str(known[key].type).startswith("tuple[str") and key != "entrypoint":
            given[key] = _tuple(value)
        elif key in known and str(known[key].type).startswith("t.Mapping"):
            given[key] = _texts(value)
    try:
        given["namespace"] = Namespace(given["namespace"])
        given["ports"] = tuple(_port(name, port) for port in given.get("ports", ()))
        given["secret_files"] = tuple(
            made(f"{name}.secret_files", SecretFile, file) for file in given.get("secret_files", ())
        )
        given["volumes"] = tuple(made(f"{name}.volumes", Volume, volume) for volume in given.get("volumes", ()))
        given["entrypoint"] = tuple(given.get("entrypoint", ()))
        if "healthcheck" in given:
            test = ("CMD", "/bin/sh", f"{FOLDER}/{given['healthcheck']['test']}")
            given["healthcheck"] = health_check(given["healthcheck"], test)
        if "backup" in given:
            given["backup"] = made(f"{name}.backup", Backup, {k: tuple(v) for k, v in given["backup"].items()})
        if "forwarded_port" in given:
            given["forwarded_port"] = made(f"{name}.forwarded_port", ForwardedPort, given["forwarded_port"])
        return t.cast(Service, made(name, Service, {"name": name, **given}))
    except (KeyError, ValueError) as error:
        raise InvalidValue(f"service {name}: {error}") from error


def _port(name: str, fields: Data) -> Port:
    variable = fields.get("variable", "")
    env = "" if variable else f"{env_name(name)}_PORT"
    return t.cast(Port, made(f"{name}.ports", Port, {"variable": f"mediaserver_ports.{name}", "env": env, **fields}))


def env_name(text: str) -> str:
    """Return a name as .env and compose take it: sonarr-tv is SONARR_TV."""
    return text.upper().replace("-", "_")


def _tuple(value: t.Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _texts(value: Data) -> dict[str, str]:
    return {key: str(item) for key, item in value.items()}
