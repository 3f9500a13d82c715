# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Plans the installation of many files and folders: compares wanted entries with the paths found on the host.

Pure, except that ``check_parents`` and ``check_empty`` list folders. ``file_tree_disk`` reads and writes.
"""

from __future__ import annotations

import os
import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._core.account import UNKNOWN_ID, gid_of, uid_of
from .._core.errors import FileProblem, InvalidValue

SECRET = "(hidden, because it is a secret)"
DEFAULT_MODE = {"file": 0o644, "directory": 0o755}


@dataclass(frozen=True)
class Entry:
    """One wanted path.

    ``mode``, ``uid`` and ``gid`` of None are not managed. UNKNOWN_ID stands for an account that does not exist yet.
    ``validate`` is a command line with ``%s`` for the file's name; empty for none.
    """

    path: str
    state: str
    content: bytes = b""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    secret: bool = False
    force: bool = True
    recurse: bool = False
    exclusive: bool = False
    validate: str = ""


@dataclass(frozen=True)
class PathState:
    """State of a path: kind (file, directory, other, absent), permission bits, owner and, of a file, its content."""

    kind: str = "absent"
    content: bytes = b""
    mode: int = 0
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class PathChange:
    """One path that differs: in its content or existence, or in mode and owner only."""

    entry: Entry
    found: PathState
    content: bool
    attributes: bool


def entries(
    raw: Sequence[Mapping[str, t.Any]],
    owner: str | None,
    group: str | None,
    *,
    secrets: Mapping[str, str] | None = None,
) -> list[Entry]:
    """Parse the module's parameters. Raises InvalidValue that names the entry and its fault."""
    secrets = secrets or {}
    if unknown := sorted(set(secrets) - {item["path"] for item in raw}):
        raise InvalidValue(f"secrets: no entry has the path {' or '.join(unknown)}; add the entry, or remove the key")
    found: list[Entry] = []
    for number, item in enumerate(raw, start=1):
        path = item["path"]
        where = f"entries[{number}] ({path})"
        if not os.path.isabs(path) or os.path.normpath(path) != path:
            raise InvalidValue(f"{where}: path must be absolute, without '..' or a trailing slash")
        if any(entry.path == path for entry in found):
            raise InvalidValue(f"{where}: the path is listed twice; remove one of the two")
        given = [text for text in (item.get("content"), secrets.get(path)) if text is not None]
        if given and item["state"] != "file":
            raise InvalidValue(f"{where}: content is valid only with state 'file', not {item['state']!r}")
        if item["state"] == "file" and len(given) != 1:
            found_there = "both content and secrets hold" if given else "neither content nor secrets holds"
            raise InvalidValue(f"{where}: {found_there} the file's content; set exactly one of them")
        if item.get("recurse") and (item["state"] != "absent" or path == "/"):
            raise InvalidValue(f"{where}: recurse is valid only with state 'absent', and not for /")
        if item.get("exclusive") and (item["state"] != "directory" or path == "/"):
            raise InvalidValue(f"{where}: exclusive is valid only with state 'directory', and not for /")
        found.append(
            Entry(
                path=path,
                state=item["state"],
                content="".join(given).encode(),
                mode=_mode(item.get("mode"), where),
                uid=uid_of(item.get("owner") or owner),
                gid=gid_of(item.get("group") or group),
                secret=path in secrets,
                force=item.get("force") is not False,
                recurse=bool(item.get("recurse")),
                exclusive=bool(item.get("exclusive")),
                validate=item.get("validate") or "",
            )
        )
    return found


def _mode(text: str | None, where: str) -> int | None:
    if text is None:
        return None
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise InvalidValue(f'{where}: mode {text!r} is not octal; write it in quotes, as "0644"')
    return mode


def plan(wanted: Iterable[Entry], found: Mapping[str, PathState]) -> list[PathChange]:
    """Return the changes, in the order of the entries.

    Raises FileProblem when a directory would have to replace something else, or the other way round.
    """
    changes = []
    for entry in wanted:
        now = found[entry.path]
        if entry.state == "absent":
            if now.kind != "absent":
                changes.append(PathChange(entry, now, content=True, attributes=False))
            continue
        if now.kind not in ("absent", entry.state) and (entry.state == "directory" or now.kind == "directory"):
            raise FileProblem(
                f"{entry.path} is a {now.kind if now.kind != 'other' else 'link or special file'}, not a "
                f"{entry.state}; move it away first"
            )
        if now.kind == entry.state and not (entry.state == "file" and entry.force and now.content != entry.content):
            content = False
        else:
            content = True
        attributes = not content and any(
            asked is not None and asked != has
            for asked, has in ((entry.mode, now.mode), (entry.uid, now.uid), (entry.gid, now.gid))
        )
        if content or attributes:
            changes.append(PathChange(entry, now, content, attributes))
    return changes


def check_parents(changes: Iterable[PathChange], *, exists: Callable[[str], bool] = os.path.isdir) -> None:
    """Raise FileProblem when the folder of a new path neither exists nor is made by an earlier entry."""
    made: set[str] = set()
    for change in changes:
        parent = os.path.dirname(change.entry.path)
        if change.entry.state != "absent" and parent not in made and not exists(parent):
            raise FileProblem(f"{change.entry.path}: its folder {parent} does not exist; add an earlier entry for it")
        if change.entry.state == "directory":
            made.add(change.entry.path)


def check_empty(changes: Iterable[PathChange], *, names: Callable[[str], list[str]] = os.listdir) -> None:
    """Raise FileProblem when a folder to remove would not be empty after the removals before it."""
    removed: set[str] = set()
    for change in changes:
        path = change.entry.path
        if change.entry.state != "absent":
            continue
        if change.found.kind == "directory" and not change.entry.recurse:
            left = [name for name in names(path) if os.path.join(path, name) not in removed]
            if left:
                raise FileProblem(f"{path} cannot be removed, because it is not empty; empty it first, or set recurse")
        removed.add(path)


def check_owners(changes: Iterable[PathChange]) -> None:
    """Raise InvalidValue when an owner or group does not exist on this host."""
    for change in changes:
        if UNKNOWN_ID in (change.entry.uid, change.entry.gid):
            raise InvalidValue(
                f"{change.entry.path}: its owner or group is not an account of this host; create it first, or correct "
                "the name"
            )


def final_mode(entry: Entry, found: PathState) -> int:
    """Return the wanted mode, else the current mode, else DEFAULT_MODE."""
    if entry.mode is not None:
        return entry.mode
    return found.mode if found.kind == entry.state else DEFAULT_MODE.get(entry.state, 0)


def diff(change: PathChange) -> dict[str, str]:
    """Return the change in the form of Ansible's diff, with the content of secrets hidden."""
    entry, found = change.entry, change.found
    before = _shown(entry, found.content, found.kind, found.mode, found.uid, found.gid)
    wanted_mode = final_mode(entry, found)
    uid = entry.uid if entry.uid is not None else found.uid
    gid = entry.gid if entry.gid is not None else found.gid
    content = entry.content if change.content else found.content
    after = _shown(entry, content, entry.state, wanted_mode, uid, gid)
    if before == after:  # only the content of a secret differs
        after = after.replace(SECRET, f"{SECRET[:-1]}; it changes)")
    return {"before_header": entry.path, "after_header": entry.path, "before": before, "after": after}


def _shown(entry: Entry, content: bytes, kind: str, mode: int, uid: int, gid: int) -> str:
    if kind == "absent":
        return ""
    owner = f"{'?' if uid == UNKNOWN_ID else uid}:{'?' if gid == UNKNOWN_ID else gid}"
    head = f"# {kind}, mode {mode:04o}, owner {owner}\n"
    if kind != "file":
        return head
    return head + (SECRET + "\n" if entry.secret else content.decode("utf-8", "replace"))
