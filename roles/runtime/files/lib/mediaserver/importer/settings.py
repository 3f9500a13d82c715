# SPDX-License-Identifier: GPL-3.0-or-later
"""What the import knows of the household: ``import.json``, which the role upkeep writes, and the credentials."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediaserver._core import secret_file
from mediaserver._core.errors import FileProblem
from mediaserver._jellyfin.key_file import key_in
from mediaserver._transmission.access import Access

# Below the project folder.
SETTINGS = "import.json"
# As the containers see the folders (roles/mediaserver/files/services.yml).
CONTAINER_DOWNLOADS = "/downloads"
CONTAINER_MEDIA = "/media"
# systemd sets it to the folder of a unit's credentials (systemd.exec(5), LoadCredential=).
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"


@dataclass(frozen=True)
class Library:
    """A folder of one of Jellyfin's libraries, relative to the media root, and the library's type."""

    folder: str
    type: str

    def holds(self, target: str) -> bool:
        return target.startswith(f"{self.folder}/")


@dataclass(frozen=True)
class Settings:
    """Paths on the host, and what the household has set."""

    media: Path
    downloads: Path
    spool: Path
    state: Path
    disk_id: Path
    torrent_files: Path  # where Transmission keeps the .torrent files
    ignore: tuple[str, ...] = ()
    jellyfin_url: str = ""  # empty in a household without Jellyfin
    libraries: tuple[Library, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Raises FileProblem."""
        try:
            data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return cls.from_json(data)
        except FileNotFoundError:
            raise FileProblem(f"{path} does not exist; run the playbook again") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FileProblem(f"{path} cannot be used ({error}); run the playbook again") from error

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Settings:
        jellyfin = data["jellyfin"] or {"url": "", "libraries": []}
        return cls(
            media=Path(data["media"]),
            downloads=Path(data["downloads"]),
            spool=Path(data["spool"]),
            state=Path(data["state"]),
            disk_id=Path(data["disk_id"]),
            torrent_files=Path(data["torrent_files"]),
            ignore=tuple(map(str, data["ignore"])),
            jellyfin_url=str(jellyfin["url"]),
            libraries=tuple(_libraries(jellyfin["libraries"])),
        )


def _libraries(found: list[Mapping[str, Any]]) -> list[Library]:
    """Return the libraries below the media root; longer folders first, so that the innermost one holds a file."""
    made = [
        Library(str(path).rstrip("/").removeprefix(f"{CONTAINER_MEDIA}/"), str(library.get("type") or ""))
        for library in found
        for path in library.get("paths") or ()
        if str(path).startswith(f"{CONTAINER_MEDIA}/")
    ]
    return sorted(made, key=lambda library: -len(library.folder))


@dataclass(frozen=True)
class Credentials:
    """How Transmission and Jellyfin are accessed. ``jellyfin_key`` is empty in a household without Jellyfin."""

    transmission: Access
    jellyfin_key: str = field(default="", repr=False)

    @classmethod
    def read(cls, root: Path, *, with_jellyfin: bool) -> Credentials:
        """Read those that systemd gave to this unit, else the files below ``root``, as root. Raises FileProblem."""
        given = os.environ.get(CREDENTIALS_VARIABLE, "")
        access = Path(given, "transmission") if given else root / "gateway" / "transmission.json"
        key_path = Path(given, "jellyfin") if given else root / "secrets" / "jellyfin.key"
        key = ""
        if with_jellyfin:
            key = key_in(secret_file.read(str(key_path)))
            if not key:
                raise FileProblem(f"{key_path} holds no API key of Jellyfin; run the playbook again")
        return cls(Access.read(str(access)), key)
