# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backup knows of the household: ``backup.json``, which the role upkeep writes for root alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason

# Below the project folder.
SETTINGS = "backup.json"
SECRETS = "backup"
# Below the folder of state files.
STATE = "backup.json"
INVENTORY = "inventory"
# Below the folder of the data.
DEFAULT_REPOSITORY = "backup"
WORK = Path("cache", "backup")
DATABASES = "databases"


@dataclass(frozen=True)
class ServiceSources:
    """What the registry lists for the backup of one service, as absolute paths."""

    name: str
    title: str
    files: tuple[Path, ...]
    databases: tuple[Path, ...]


@dataclass(frozen=True)
class Settings:
    """``given_repository``: the household has set one. ``media``: folders that are kept as well, normally none."""

    root: Path
    state: Path
    data: Path
    given_repository: bool
    keep: tuple[str, ...]
    media: tuple[Path, ...]
    disk_uuid: str  # empty where the data is on the system's disk
    uid: int
    gid: int
    services: tuple[ServiceSources, ...]

    @property
    def secrets(self) -> Path:
        return self.root / SECRETS

    @property
    def state_file(self) -> Path:
        return self.state / STATE

    @property
    def work(self) -> Path:
        """On the disk of the data, because the card must not wear out by what is written each night."""
        return self.data / WORK

    @property
    def cache(self) -> Path:
        return self.work / "restic"

    @property
    def staging(self) -> Path:
        return self.work / "staging"

    @property
    def scratch(self) -> Path:
        return self.work / "scratch"

    @property
    def default_repository(self) -> Path:
        return self.data / DEFAULT_REPOSITORY

    @classmethod
    def read(cls, root: Path) -> Settings:
        """Raises FileProblem."""
        path = root / SETTINGS
        try:
            text = files.read(path)
            if text is None:
                raise FileProblem(
                    f"{path} does not exist, so no backup is set up on this host. Set upkeep_backup to true and run the"
                    " playbook"
                )
            return cls.from_json(root, json.loads(text))
        except OSError as error:
            raise FileProblem(f"{path} cannot be read: {reason(error)}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise FileProblem(f"{path} cannot be used ({error!r}); run the playbook again") from error

    @classmethod
    def from_json(cls, root: Path, data: Mapping[str, Any]) -> Settings:
        return cls(
            root=root,
            state=Path(data["state"]),
            data=Path(data["data"]),
            given_repository=bool(data["given_repository"]),
            keep=tuple(map(str, data["keep"])),
            media=tuple(map(Path, data["media"])),
            disk_uuid=str(data["disk_uuid"]),
            uid=int(data["uid"]),
            gid=int(data["gid"]),
            services=tuple(
                ServiceSources(
                    str(one["name"]),
                    str(one["title"]),
                    tuple(root / path for path in one["files"]),
                    tuple(root / path for path in one["databases"]),
                )
                for one in data["services"]
            ),
        )
