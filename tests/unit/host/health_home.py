# SPDX-License-Identifier: GPL-3.0-or-later
"""A household for tests of the health check: its files below one folder, and doubles for programs and Docker.

Probes run in a child process, so a double can tell a test only what it writes to a file.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from command_host import Docker, container
from mediaserver._core.docker import DockerClient, Row
from mediaserver.health.environment import Environment, Moment
from mediaserver.health.model import Finding, State
from mediaserver.health.run import HealthCheck
from mediaserver.health.settings import Settings
from mediaserver.health.table import PROBES, Probe
from mediaserver.services import Service

NOW = 1_800_000_000.0
BOOT = "7b0f3a52-0000-4000-8000-000000000001"
START = Moment(NOW, 5000.0, BOOT)
SERVICES = (
    Service("vpn", "vpn", "holder"),
    Service("wireguard", "wireguard", "tunnel"),
    Service("transmission", "Transmission", "vpn", probe=True),
    Service("sonarr", "Sonarr", "vpn"),
    Service("jellyfin", "Jellyfin", "lan"),
)


def settings_data(root: Path, **changes: Any) -> dict[str, Any]:
    """Return what the role writes, for a household whose files are below ``root``."""
    return {
        "state": str(root / "state"),
        "data": str(root / "data"),
        "downloads": str(root / "data" / "downloads"),
        "disk_uuid": "",
        "transmission": False,
        "units": [],
        "jackett_port": 0,
        "jellyfin": None,
        "address_pages": ["https://page.example/"],
        "disk_warning_percent": 90,
        "disk_stop_percent": 95,
        "disk_resume_percent": 85,
        "temperature_warning": 80,
        "reminder_hours": 24,
        "metrics": str(root / "metrics"),
        "login_message": True,
        **changes,
    }


def environment(root: Path, **changes: Any) -> Environment:
    """Return the environment of one probe."""
    given = {name: changes.pop(name) for name in list(changes) if name in settings_data(root)}
    (root / "data" / "downloads" / "watch").mkdir(parents=True, exist_ok=True)
    made = Environment(
        root,
        Settings.from_json(settings_data(root, **given)),
        SERVICES,
        Moment(NOW, 5000.0, BOOT),
        top=root / "top",
        state_file=root / "vpn.json",
        run=Commands(),
        docker=Docker,
    )
    (root / "top").mkdir(exist_ok=True)
    return replace(made, **changes)


# The content of gateway.json, as the role gateway writes it.
GATEWAY: dict[str, Any] = {
    **{"subnet": "172.31.254.0/29", "lan": ["192.168.0.0/16"], "ui_ports": [9091], "published_ports": [9091]},
    **{"forwarded_port": 0, "natpmp_server": "", "ipv6": False, "mtu": 0, "addresses": ["10.2.0.2/32"]},
    **{"resolvers": ["10.2.0.1"], "peers": [{"host": "203.0.113.7", "port": 51820, "public_key": "QUFB"}]},
    "services": [
        {
            **{"name": one.name, "title": one.title, "namespace": one.namespace, "probe": one.probe},
            **{"restart_when_unhealthy": False, "waits": True, "forwarded_port": None},
        }
        for one in SERVICES
    ],
}


class Commands:
    """Stands for programs, by the beginning of the command line; one that is not listed is not installed."""

    def __init__(self, answers: Mapping[str, tuple[int, str]] | None = None) -> None:
        self.answers = dict(answers or {})
        self.calls: list[str] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        line = " ".join(command)
        self.calls.append(line)
        key = max((key for key in self.answers if line.startswith(key)), key=len, default=None)
        if key is None:
            raise FileNotFoundError(2, "No such file or directory", command[0])
        code, text = self.answers[key]
        return subprocess.CompletedProcess(list(command), code, text, "")


class DockerWith(Docker):
    """An engine with these rows, and the process of each container."""

    def __init__(self, *rows: Row, pids: Mapping[str, int] | None = None, silent: str = "") -> None:
        super().__init__(*rows, silent=silent)
        self.pids = pids or {}

    def details(self, container: str) -> Row | None:
        return {"State": {"Pid": self.pids.get(container, os.getpid())}}


def running(*services: str) -> list[Row]:
    return [container(service) for service in services]


@dataclass
class Home:
    """A whole health check; each ``check`` is a new process with the same files."""

    root: Path
    probes: Sequence[Probe] = ()
    moment: Moment = START
    urls: tuple[str, ...] = ()
    titles: bool = False
    notify: str | None = None  # the content of the file with the addresses
    load: Callable[[], Any] | None = None
    ping: Callable[[Path], str] = lambda root: ""
    held: bool = False
    given: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "data" / "downloads" / "watch").mkdir(parents=True, exist_ok=True)
        (self.root / "secrets").mkdir(exist_ok=True)
        (self.state / "notify").mkdir(parents=True, exist_ok=True)
        (self.root / "metrics").mkdir(exist_ok=True)
        (self.root / "gateway").mkdir(exist_ok=True)
        (self.root / "gateway" / "gateway.json").write_text(json.dumps(GATEWAY))

    def check(self, *, pass_s: float = 300.0) -> dict[str, Any]:
        (self.root / "health.json").write_text(json.dumps(settings_data(self.root, **self.given)))
        notify = json.dumps({"urls": list(self.urls), "titles": self.titles}) if self.notify is None else self.notify
        (self.root / "secrets" / "notify.json").write_text(notify)
        run = HealthCheck(
            self.root,
            lock=self.root / "run" / "lock",
            spare=self.root / "run" / "health.json",
            login_message=self.root / "run" / "motd.d" / "mediaserver",
            probes=self.probes or PROBES,
            now=lambda: self.moment,
            adapt=lambda made: replace(
                made, top=self.root / "top", state_file=self.root / "vpn.json", run=Commands(), docker=silent_docker
            ),
            messages_s=5,
            load=self.load,
            ping=self.ping,
            held=lambda: self.held,
            **self.limits,
        )
        found = run.run()
        self.troubles = run.troubles
        self.moment = replace(self.moment, wall=self.moment.wall + pass_s, since_boot=self.moment.since_boot + pass_s)
        return found

    @property
    def state(self) -> Path:
        return self.root / "state"

    def states(self, found: Mapping[str, Any]) -> dict[str, str]:
        return {one["id"]: one["state"] for one in found["checks"]}


def silent_docker() -> DockerClient:
    return DockerWith(silent="Docker does not answer at /run/docker.sock: Connection refused")


def probe(*findings: Finding, name: str = "host", **changes: Any) -> Probe:
    """Return a probe that finds these; its checks are those of the findings."""
    return Probe(name, lambda environment: list(findings), tuple(one.check for one in findings), **changes)


def only(found: Sequence[Finding], check: str) -> Finding:
    (one,) = (finding for finding in found if finding.check == check)
    return one


def states(found: Sequence[Finding]) -> dict[str, State]:
    return {one.check: one.state for one in found}
