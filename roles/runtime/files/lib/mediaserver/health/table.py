# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of checks, and the probes that make them: each probe is one call with a time limit, for several checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mediaserver.health import (
    backup,
    containers,
    disk,
    exit_address,
    image_updates,
    imports,
    jackett,
    jellyfin,
    machine,
    smart,
    transmission,
    units,
    vpn,
)
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, State
from mediaserver.importer.settings import SETTINGS as IMPORT_SETTINGS
from mediaserver.services import Service

# Of the runner itself: a probe that did not end, or failed in a way that it does not expect.
CHECKS_ENDED = "health-check"
# Runs between two measurements of what changes slowly or asks a server on the internet: an hour.
HOURLY = 12
# Subjects in the order in which people are shown them.
SUBJECTS = ("VPN", "services", "playback", "disk", "import", "backup", "host")


@dataclass(frozen=True)
class Check:
    """``urgent``: bad is reported in the run that finds it. ``silent``: shown, and never sent as a message."""

    id: str
    subject: str
    title: str
    urgent: bool = False
    silent: bool = False


CHECKS: tuple[Check, ...] = (
    Check(vpn.TUNNEL, "VPN", "VPN tunnel"),
    Check(exit_address.EXIT, "VPN", "address on the internet", urgent=True),
    Check(vpn.OUTER, "VPN", "outer barrier", urgent=True),
    Check(vpn.INNER, "VPN", "inner barrier", urgent=True),
    Check(vpn.DROPS, "VPN", "dropped packets"),
    Check(vpn.FORWARDING, "VPN", "IPv4 forwarding"),
    Check(units.UNITS, "services", "units of systemd"),
    Check(containers.DOCKER, "services", "Docker"),
    Check(transmission.CHECK, "services", "Transmission's credentials"),
    Check(jackett.CHECK, "services", "Jackett in the VPN namespace"),
    Check(jellyfin.HEALTH, "services", "Jellyfin's health"),
    Check(jellyfin.LIBRARIES, "services", "Jellyfin's libraries"),
    Check(jellyfin.ADMINISTRATOR, "services", "Jellyfin's administrator"),
    Check(image_updates.CHECK, "services", "newer images", silent=True),
    # A message for each film that is converted would be a nuisance, and would say when a household watches.
    Check(jellyfin.PLAYBACK, "playback", "playback", silent=True),
    Check(disk.MOUNTED, "disk", "media disk"),
    Check(disk.SPACE, "disk", "space on the media disk"),
    Check(transmission.DOWNLOADS, "disk", "stopped downloads"),
    Check(disk.INODES, "disk", "inodes of the media disk"),
    Check(disk.READ_ONLY, "disk", "media disk can be written"),
    Check(disk.ERRORS, "disk", "errors of the filesystem"),
    Check(smart.CHECK, "disk", "SMART of the media disk"),
    Check(disk.SYSTEM, "disk", "space on the system's disk"),
    Check(disk.JELLYFIN, "disk", "space for Jellyfin's start"),
    Check(disk.CARD, "disk", "SD card"),
    Check(imports.WAITING, "import", "downloads that wait"),
    Check(imports.TROUBLES, "import", "import"),
    Check(imports.WATCH, "import", "watch folder"),
    Check(backup.BACKUP, "backup", "backup"),
    Check(backup.VERIFIED, "backup", "check of the backup"),
    Check(backup.DRILL, "backup", "restore drill"),
    Check(backup.DATABASES, "backup", "databases"),
    Check(machine.MEMORY, "host", "memory"),
    Check(machine.TEMPERATURE, "host", "temperature"),
    Check(machine.POWER, "host", "power supply"),
    Check(machine.CLOCK, "host", "clock"),
    Check(machine.REBOOT, "host", "reboot"),
    Check(CHECKS_ENDED, "host", "health check"),
)


def known_checks(services: Iterable[Service]) -> dict[str, Check]:
    """Return all checks by id, with those of the household's services."""
    own = [Check(containers.check_of(one.name), "services", f"service {one.title}") for one in services]
    return {one.id: one for one in (*CHECKS, *own)}


def _always(environment: Environment) -> bool:
    del environment
    return True


def _whenever_asked(environment: Environment) -> str:
    del environment
    return ""


@dataclass(frozen=True)
class Probe:
    """``late``: what it means when it does not end. ``every``: after so many runs it is made again, and when ``key``
    is another one, or something was not well.
    """

    name: str
    read: Callable[[Environment], list[Finding]]
    checks: tuple[str, ...]
    limit_s: float = 10.0
    applies: Callable[[Environment], bool] = _always
    late: State = State.UNKNOWN
    every: int = 1
    key: Callable[[Environment], str] = _whenever_asked
    # An answer that is not good does not make it worth another try before its time.
    patient: bool = False

    def all_checks(self, services: Sequence[Service]) -> tuple[str, ...]:
        own = [containers.check_of(one.name) for one in services] if self.read is containers.read else []
        return (*self.checks, *own)


def _tunnel_now(environment: Environment) -> str:
    """Return what changes when the tunnel may have another exit: vpn-monitor's state file holds it."""
    try:
        return str(environment.state_file.stat().st_mtime_ns)
    except OSError:
        return ""


PROBES: tuple[Probe, ...] = (
    # What reads nothing but the kernel first: the rest may hang.
    Probe("host", machine.read, machine.CHECKS),
    Probe("vpn", vpn.read, (vpn.TUNNEL, vpn.OUTER, vpn.INNER, vpn.DROPS, vpn.FORWARDING)),
    Probe("units", units.read, (units.UNITS,)),
    Probe("containers", containers.read, (containers.DOCKER,), limit_s=20),
    Probe(
        "disk",
        disk.read,
        disk.CHECKS,
        late=State.BAD,
    ),
    Probe("system disk", disk.read_system, disk.SYSTEM_CHECKS),
    Probe(
        "transmission",
        transmission.read,
        (transmission.CHECK, transmission.DOWNLOADS),
        limit_s=25,
        applies=lambda environment: environment.settings.transmission,
    ),
    Probe(
        "jackett",
        jackett.read,
        (jackett.CHECK,),
        applies=lambda environment: environment.settings.jackett_port > 0,
    ),
    Probe(
        "jellyfin",
        jellyfin.read,
        jellyfin.CHECKS,
        limit_s=40,
        applies=lambda environment: environment.settings.jellyfin is not None,
    ),
    Probe(
        "import",
        imports.read,
        (imports.WAITING, imports.TROUBLES),
        applies=lambda environment: (environment.root / IMPORT_SETTINGS).exists(),
    ),
    Probe(
        "watch folder",
        imports.read_watch,
        (imports.WATCH,),
        applies=lambda environment: environment.settings.transmission,
    ),
    Probe(
        "image updates",
        image_updates.read,
        (image_updates.CHECK,),
        # Until there is a result, and where upkeep_updates is off, there is nothing to say.
        applies=lambda environment: image_updates.result(environment).exists(),
    ),
    Probe("backup", backup.read, backup.CHECKS),
    # Two commands, each with a limit of its own.
    Probe("board", machine.read_board, machine.BOARD_CHECKS, limit_s=35),
    Probe(
        "exit address",
        exit_address.read,
        (exit_address.EXIT,),
        limit_s=75,
        applies=lambda environment: bool(environment.settings.address_pages),
        every=HOURLY,
        key=_tunnel_now,
    ),
    Probe("SMART", smart.read, (smart.CHECK,), limit_s=40, every=HOURLY, patient=True),
)
