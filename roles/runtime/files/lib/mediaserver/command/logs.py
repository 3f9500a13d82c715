# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver logs``: the journal of a program, or the log of a service's container."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from mediaserver._core.docker import SERVICE_LABEL, label
from mediaserver._core.errors import AccessDenied, DockerError, ServiceProblem
from mediaserver._core.names import (
    BACKUP_IDENTIFIER,
    BARRIER_UNIT,
    DISCOVERY_UNIT,
    DOCKER_UNIT,
    HEALTH_IDENTIFIER,
    IMPORT_UNIT,
    KEEPER_UNIT,
    MONITOR_UNIT,
    PROJECT,
    STACK_UNIT,
    UPDATES_UNIT,
)
from mediaserver.command.frame import Context, Outcome, WrongArgument, list_schema, object_schema

NAME = "logs"
HELP = "the log of a service or of a program of the host (sudo)"
DESCRIPTION = (
    "Shows the newest lines of a log: of a service (its container, found by compose's labels) or of a program of the\n"
    "host (in the journal). Without a name it lists the names."
)
EXIT_CODES: Mapping[int, str] = {}
UNIT, IDENTIFIER = "--unit", "--identifier"  # journalctl's
# By the names that the programs are called by.
PROGRAMS = {
    "vpn-monitor": MONITOR_UNIT,
    "barrier": BARRIER_UNIT,
    "barrier-keeper": KEEPER_UNIT,
    "stack": STACK_UNIT,
    "import": IMPORT_UNIT,
    "health": HEALTH_IDENTIFIER,
    "backup": BACKUP_IDENTIFIER,
    "updates": UPDATES_UNIT,
    "discovery": DISCOVERY_UNIT,
    "docker": DOCKER_UNIT,
}
LINES = 100
SCHEMA = {
    "oneOf": [
        object_schema(
            {
                "source": {"type": "string", "description": "unit, identifier, or container"},
                "lines": list_schema({"type": "string"}),
            }
        ),
        object_schema(
            {
                "programs": list_schema({"type": "string"}),
                "services": {
                    **list_schema({"type": "string"}),
                    "type": ["array", "null"],
                    "description": "null where Docker cannot be asked",
                },
            }
        ),
    ]
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    name = parser.add_argument("name", nargs="?", metavar="NAME", help="a service or a program of the host")
    name.suggestions = tuple(PROGRAMS)  # type: ignore[attr-defined]
    parser.add_argument("-n", "--lines", type=int, default=LINES, metavar="N", help=f"newest lines, {LINES} by default")
    parser.add_argument("-f", "--follow", action="store_true", help="show new lines until Ctrl-C is pressed")


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    if arguments.lines < 0:
        raise WrongArgument(f"--lines {arguments.lines} is not possible; give a number from 0")
    if arguments.name is None:
        return _names(context)
    if arguments.follow and arguments.json:
        raise WrongArgument("--follow has no end, so it has no JSON; leave out one of the two")
    if arguments.name in PROGRAMS:
        source = PROGRAMS[arguments.name]
        field = IDENTIFIER if source in (HEALTH_IDENTIFIER, BACKUP_IDENTIFIER) else UNIT
        command = ["journalctl", "--no-pager", "--quiet", field, source, "--lines", str(arguments.lines)]
        command += ["--follow"] if arguments.follow else []
    else:
        source, container = _container(arguments.name, context)
        command = ["docker", "logs", "--tail", str(arguments.lines)]
        command += ["--follow", container] if arguments.follow else [container]
    if arguments.follow:
        context.replace_process(command)
    done = context.run(command)
    if done.returncode != 0:
        raise ServiceProblem(f"the log of {source} cannot be read: {' '.join(done.stdout.split())}")
    lines = done.stdout.splitlines()
    empty = f"{source} has written nothing" + ("" if context.is_root else ", or only root may read it: try sudo")
    return Outcome({"source": source, "lines": lines}, lines or [empty])


def _container(name: str, context: Context) -> tuple[str, str]:
    """Return the name and the id of a service's container. Raises AccessDenied, DockerError, WrongArgument."""
    services = _services(context)
    if name not in services:
        known = ", ".join([*services, *PROGRAMS])
        raise WrongArgument(f"{name!r} is neither a service nor a program of this host; there are: {known}")
    row = context.docker().required(PROJECT, name)
    return str((row.get("Names") or [row["Id"]])[0]).lstrip("/"), str(row["Id"])


def _services(context: Context) -> list[str]:
    """Raises AccessDenied, DockerError."""
    try:
        return sorted({label(row, SERVICE_LABEL) for row in context.docker().services(PROJECT)})
    except DockerError:
        if context.is_root:
            raise
        raise AccessDenied(
            f"the services are known to root only. Run it with sudo, or name a program: {', '.join(PROGRAMS)}"
        ) from None


def _names(context: Context) -> Outcome:
    lines = [f"programs: {', '.join(PROGRAMS)}"]
    try:
        services: list[str] | None = _services(context)
        lines.insert(0, f"services: {', '.join(services or ['none'])}")
    except (AccessDenied, DockerError) as error:
        services = None
        lines.insert(0, f"services: {error}")
    return Outcome({"programs": list(PROGRAMS), "services": services}, lines)
