# SPDX-License-Identifier: GPL-3.0-or-later
"""What the health check knows of the household: ``health.json``, which the role upkeep writes for root alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason

# Below the project folder.
SETTINGS = "health.json"
PING = Path("secrets", "health-ping.url")
# Below the folder of state files.
STATUS = "status.json"
FOLDER = "health"


@dataclass(frozen=True)
class JellyfinSettings:
    """Where Jellyfin is asked, and the folders whose filesystems must have room for it to start."""

    url: str
    administrator: str
    folders: tuple[Path, ...]


@dataclass(frozen=True)
class Settings:
    """The household's variables, and paths on the host."""

    state: Path
    data: Path
    downloads: Path
    disk_uuid: str  # empty where the data is on the system's disk
    transmission: bool
    jackett_port: int  # 0 in a household without Jackett
    jellyfin: JellyfinSettings | None
    address_pages: tuple[str, ...]
    disk_warning_percent: int
    disk_stop_percent: int
    disk_resume_percent: int
    temperature_warning: int
    reminder_hours: int
    metrics: str
    login_message: bool
    # Those of the role upkeep that are started, beside the units of every household.
    units: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """The health check's own state, which only root can read."""
        return self.state / FOLDER

    @classmethod
    def read(cls, root: Path) -> Settings:
        """Raises FileProblem."""
        path = root / SETTINGS
        try:
            text = files.read(path)
            if text is None:
                raise FileProblem(f"{path} does not exist; run the playbook again")
            return cls.from_json(json.loads(text))
        except OSError as error:
            raise FileProblem(f"{path} cannot be read: {reason(error)}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise FileProblem(f"{path} cannot be used ({error!r}); run the playbook again") from error

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Settings:
        jellyfin = data["jellyfin"]
        return cls(
            state=Path(data["state"]),
            data=Path(data["data"]),
            downloads=Path(data["downloads"]),
            disk_uuid=str(data["disk_uuid"]),
            transmission=bool(data["transmission"]),
            jackett_port=int(data["jackett_port"]),
            jellyfin=None
            if jellyfin is None
            else JellyfinSettings(
                str(jellyfin["url"]), str(jellyfin["administrator"]), tuple(map(Path, jellyfin["folders"]))
            ),
            address_pages=tuple(map(str, data["address_pages"])),
            disk_warning_percent=int(data["disk_warning_percent"]),
            disk_stop_percent=int(data["disk_stop_percent"]),
            # Resumed above the mark at which they are stopped, downloads would be stopped again at once.
            disk_resume_percent=min(int(data["disk_resume_percent"]), int(data["disk_stop_percent"]) - 1),
            temperature_warning=int(data["temperature_warning"]),
            reminder_hours=int(data["reminder_hours"]),
            metrics=str(data["metrics"]),
            login_message=bool(data["login_message"]),
            units=tuple(map(str, data["units"])),
        )


def ping_url(root: Path) -> str:
    """Return the address of the dead man's switch, empty without one. Raises FileProblem."""
    try:
        return (files.read(root / PING) or "").strip()
    except OSError as error:
        raise FileProblem(f"{root / PING} cannot be read: {reason(error)}") from error
