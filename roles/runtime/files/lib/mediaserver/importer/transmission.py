# SPDX-License-Identifier: GPL-3.0-or-later
"""The torrents that the import asks Transmission for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaserver._core.errors import ProtocolError
from mediaserver._core.names import VPN_BRIDGE
from mediaserver._core.transport import Http, UrlHttp
from mediaserver._transmission.access import Access
from mediaserver._transmission.client import TransmissionClient
from mediaserver.importer.problem import ImportProblem
from mediaserver.importer.settings import CONTAINER_DOWNLOADS

# A torrent of 10,000 files takes seconds on a Pi.
TIMEOUT_S = 20.0
SUMMARY_FIELDS = ("hashString", "name", "leftUntilDone", "sizeWhenDone", "metadataPercentComplete")
FIELDS = (*SUMMARY_FIELDS, "labels", "downloadDir", "error", "errorString", "files", "fileStats")
WHOLE_FIELDS = (*FIELDS, "seedRatioLimit", "seedRatioMode")
SEED_FIELDS = (*SUMMARY_FIELDS, "downloadDir", "files", "uploadRatio", "seedRatioLimit", "seedRatioMode")


FINISHED_FOLDER = "finishedFolder"


@dataclass(frozen=True)
class Summary:
    """A torrent. ``size``: bytes of its wanted files; ``done``: all of these are complete."""

    hash: str
    name: str
    size: int
    done: bool


@dataclass
class Torrents:
    """Transmission, asked from the host by the VPN network's bridge."""

    client: TransmissionClient
    _finished_folder: str = ""

    @classmethod
    def connect(cls, access: Access, http: Http | None = None) -> Torrents:
        found = http or UrlHttp(device=VPN_BRIDGE)
        return cls(
            TransmissionClient(found, access.url, username=access.user, password=access.password, timeout=TIMEOUT_S)
        )

    def by_hash(self, torrent: str) -> dict[str, Any] | None:
        """Return a torrent with its files, None for one that Transmission does not have.

        Under FINISHED_FOLDER is the folder of finished downloads, as Transmission's container sees it.
        """
        if not self._finished_folder:
            self._finished_folder = str(self.client.session_get().get("download-dir") or CONTAINER_DOWNLOADS)
        found = self.client.torrents(FIELDS, hashes=[torrent])
        chosen = next((one for one in found if str(one.get("hashString", "")).lower() == torrent), None)
        return None if chosen is None else {**chosen, FINISHED_FOLDER: self._finished_folder}

    def known(self) -> list[Summary]:
        """Return all torrents."""
        return [_summary(one) for one in self.client.torrents(SUMMARY_FIELDS)]

    def seeds(self) -> list[dict[str, Any]]:
        """Return all torrents with what says how much they have been shared."""
        return self.client.torrents(SEED_FIELDS)

    def ratio_limit(self) -> float | None:
        """Return the ratio at which a torrent is done with seeding, None without a limit."""
        session = self.client.session_get()
        limit = session.get("ratio-limit")
        return float(limit) if session.get("ratio-limit-enabled") and isinstance(limit, (int, float)) else None

    def remove(self, torrent: str) -> None:
        """Have Transmission forget a torrent; its files stay."""
        self.client.call("torrent-remove", {"ids": [torrent], "delete-local-data": False})

    def whole(self) -> list[dict[str, Any]]:
        """Return all torrents with their files and options."""
        return self.client.torrents(WHOLE_FIELDS)

    def whole_one(self, torrent: str) -> dict[str, Any] | None:
        return next(iter(self.client.torrents(WHOLE_FIELDS, hashes=[torrent])), None)

    def add(self, metainfo: str, folder: str, *, unwanted: Sequence[int] = ()) -> None:
        """Give a torrent back to Transmission, with the folder (as its container sees it) that has the files."""
        # An empty list would mean all files.
        skipped = {"files-unwanted": list(unwanted)} if unwanted else {}
        self.client.call("torrent-add", {"metainfo": metainfo, "download-dir": folder, "paused": False, **skipped})

    def change(self, torrent: str, options: Mapping[str, Any]) -> None:
        """Set options of one torrent, by their names in torrent-set."""
        self.client.call("torrent-set", {"ids": [torrent], **options})

    def verify(self, torrent: str) -> None:
        """Have Transmission read the files of a torrent, and download afterwards what is missing."""
        self.client.call("torrent-verify", {"ids": [torrent]})
        self.client.call("torrent-start", {"ids": [torrent]})


def _summary(answer: Mapping[str, Any]) -> Summary:
    try:
        size, left = int(answer["sizeWhenDone"]), int(answer["leftUntilDone"])
        # A magnet link without its metadata has nothing left to load, either.
        return Summary(str(answer["hashString"]).lower(), str(answer["name"]), size, bool(size) and not left)
    except (KeyError, ValueError, TypeError) as error:
        raise ProtocolError(f"Transmission's answer about a torrent is incomplete: {error!r}") from error


def host_folder(container_path: str, downloads: Path) -> tuple[str, ...]:
    """Return the parts of a torrent's folder below the downloads on the host. Raises ImportProblem."""
    path = container_path.rstrip("/")
    root = CONTAINER_DOWNLOADS
    parts = tuple(part for part in path.removeprefix(root).split("/") if part)
    if (path != root and not path.startswith(f"{root}/")) or any(part in (".", "..") for part in parts):
        raise ImportProblem(
            f"it is in {container_path}, outside of {root} ({downloads} on the host). Move it there in Transmission"
        )
    return parts
