# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks use of the host; tests replace parts of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mediaserver._core.docker import DockerClient
from mediaserver._core.names import STATE_FILE
from mediaserver.health.settings import Settings
from mediaserver.services import Service

DOCKER_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 15.0
Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def run_command(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Raises OSError, subprocess.TimeoutExpired."""
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, timeout=COMMAND_TIMEOUT_S
    )


@dataclass(frozen=True)
class Moment:
    """A run's time by three clocks: that of the system, the seconds since boot, and which boot that is."""

    wall: float
    since_boot: float = 0.0
    boot_id: str = ""


@dataclass(frozen=True)
class Environment:
    """``top``: the host's filesystem; ``before``: the numbers of the last run, ``last``: its time, None for none."""

    root: Path
    settings: Settings
    services: tuple[Service, ...] = ()
    now: Moment = field(default_factory=lambda: Moment(time.time()))
    last: Moment | None = None
    before: Mapping[str, float] = field(default_factory=dict)
    top: Path = Path("/")
    state_file: Path = STATE_FILE
    run: Run = run_command
    docker: Callable[[], DockerClient] = lambda: DockerClient(timeout=DOCKER_TIMEOUT_S)

    def text(self, path: str) -> str:
        """Return a small file of the kernel's, empty where it cannot be read."""
        try:
            return (self.top / path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""

    def number(self, path: str) -> int | None:
        """Return the number in such a file, None without one."""
        try:
            return int(self.text(path), 0)
        except ValueError:
            return None
