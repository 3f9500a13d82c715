# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads Transmission's response to torrent-get, in the bespoke protocol and in JSON-RPC 2.0 (Transmission 4.1)."""

from __future__ import annotations

import typing as t

from .model import Identity, Torrent, TorrentFile


def _value(answer: t.Mapping[str, t.Any], name: str) -> t.Any:
    """Read one field, whose name is fooBar in the bespoke protocol and foo_bar in JSON-RPC."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    for spelling in (name, snake, snake.replace("_", "-")):
        if spelling in answer:
            return answer[spelling]
    return None


def folder_below(path: str, root: str) -> str:
    """Return a folder's path relative to root; empty when it is not below root."""
    path, root = path.rstrip("/"), root.rstrip("/")
    return path[len(root) + 1 :] if path.startswith(f"{root}/") else ""


def torrent_from_rpc(
    answer: t.Mapping[str, t.Any],
    *,
    root: str,
    identities: t.Mapping[str, Identity] | None = None,
) -> Torrent:
    """Build a torrent from one entry of the response.

    answer needs the fields name, labels, downloadDir, error, errorString, files, and fileStats or wanted. wanted is 0
    or 1 in the bespoke protocol and a boolean in JSON-RPC.
    """
    identities = identities or {}
    wanted = _value(answer, "wanted")
    stats = _value(answer, "fileStats") or []
    files = []
    for index, entry in enumerate(_value(answer, "files") or []):
        stat: t.Mapping[str, t.Any] = stats[index] if index < len(stats) else {}
        flag = wanted[index] if wanted is not None and index < len(wanted) else stat.get("wanted", True)
        completed = _value(entry, "bytesCompleted")
        name = str(entry["name"])
        files.append(
            TorrentFile(
                path=name,
                length=int(entry["length"]),
                completed=int(_value(stat, "bytesCompleted") or 0 if completed is None else completed),
                wanted=bool(flag),
                identity=identities.get(name),
            )
        )
    return Torrent(
        name=str(_value(answer, "name") or ""),
        files=tuple(files),
        labels=tuple(str(label) for label in _value(answer, "labels") or []),
        folder=folder_below(str(_value(answer, "downloadDir") or ""), root),
        error=int(_value(answer, "error") or 0),
        error_text=str(_value(answer, "errorString") or ""),
    )
