# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Many files and folders as one plan: what is wanted, compared with what is there. Pure, but for looks into folders.

``file_tree_disk`` reads and writes.
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
    """One wanted path. An id of None is left alone, UNKNOWN_ID belongs to an account that is not there yet."""

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
class Found:
    """What is at a path: its kind (file, directory, other, absent), attributes and, of files, the content."""

    kind: str = "absent"
    content: bytes = b""
    mode: int = 0
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Change:
    """One path that has to change, and what of it."""

    entry: Entry
    found: Found
    content: bool
    attributes: bool


def entries(
    raw: Sequence[Mapping[str, t.Any]],
    owner: str | None,
    group: str | None,
    *,
    secrets: Mapping[str, str] | None = None,
) -> list[Entry]:
    """Read the module's parameters. Raises InvalidValue naming the entry and what is wrong with it."""
    secrets = secrets or {}
    if unknown := sorted(set(secrets) - {item["path"] for item in raw}):
        raise InvalidValue(f"secrets: no entry has the path {' or '.join(unknown)}")
    found: list[Entry] = []
    for number, item in enumerate(raw, start=1):
        path = item["path"]
        where = f"entries[{number}] ({path})"
        if not os.path.isabs(path) or os.path.normpath(path) != path:
            raise InvalidValue(f"{where}: path must be absolute, without '..' or a slash at the end")
        if any(entry.path == path for entry in found):
            raise InvalidValue(f"{where}: the path is listed twice")
        given = [text for text in (item.get("content"), secrets.get(path)) if text is not None]
        if len(given) != (item["state"] == "file"):
            raise InvalidValue(f"{where}: one content is needed for state 'file', and useless for '{item['state']}'")
        if item.get("recurse") and (item["state"] != "absent" or path == "/"):
            raise InvalidValue(f"{where}: recurse is for folders that are to be absent")
        if item.get("exclusive") and (item["state"] != "directory" or path == "/"):
            raise InvalidValue(f"{where}: exclusive is for folders that are to be there")
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


def plan(wanted: Iterable[Entry], found: Mapping[str, Found]) -> list[Change]:
    """Return what has to change, in the order given. Raises FileProblem for what must not be replaced by itself."""
    changes = []
    for entry in wanted:
        now = found[entry.path]
        if entry.state == "absent":
            if now.kind != "absent":
                changes.append(Change(entry, now, content=True, attributes=False))
            continue
        if now.kind not in ("absent", entry.state) and (entry.state == "directory" or now.kind == "directory"):
            raise FileProblem(f"{entry.path} is to be a {entry.state}, but something else is there; move it away first")
        if now.kind == entry.state and not (entry.state == "file" and entry.force and now.content != entry.content):
            content = False
        else:
            content = True
        attributes = not content and any(
            asked is not None and asked != has
            for asked, has in ((entry.mode, now.mode), (entry.uid, now.uid), (entry.gid, now.gid))
        )
        if content or attributes:
            changes.append(Change(entry, now, content, attributes))
    return changes


def check_parents(changes: Iterable[Change], *, exists: Callable[[str], bool] = os.path.isdir) -> None:
    """Raise FileProblem when the folder of a new path is neither there nor made by an entry before it."""
    made: set[str] = set()
    for change in changes:
        parent = os.path.dirname(change.entry.path)
        if change.entry.state != "absent" and parent not in made and not exists(parent):
            raise FileProblem(f"{change.entry.path}: its folder {parent} does not exist; list it as an entry before")
        if change.entry.state == "directory":
            made.add(change.entry.path)


def check_empty(changes: Iterable[Change], *, names: Callable[[str], list[str]] = os.listdir) -> None:
    """Raise FileProblem when a folder to remove holds more than the entries before it remove."""
    removed: set[str] = set()
    for change in changes:
        path = change.entry.path
        if change.entry.state != "absent":
            continue
        if change.found.kind == "directory" and not change.entry.recurse:
            left = [name for name in names(path) if os.path.join(path, name) not in removed]
            if left:
                raise FileProblem(f"{path} is to be removed, but is not empty; empty it first, or ask with recurse")
        removed.add(path)


def check_owners(changes: Iterable[Change]) -> None:
    """Raise InvalidValue when an owner or group is not known on this host."""
    for change in changes:
        if UNKNOWN_ID in (change.entry.uid, change.entry.gid):
            raise InvalidValue(f"{change.entry.path}: its owner or group is not an account of this host")


def final_mode(entry: Entry, found: Found) -> int:
    """Return the mode asked for, else the one that is there, else the usual one."""
    if entry.mode is not None:
        return entry.mode
    return found.mode if found.kind == entry.state else DEFAULT_MODE.get(entry.state, 0)


def diff(change: Change) -> dict[str, str]:
    """Return the change as Ansible shows it; content of secrets stays hidden."""
    entry, found = change.entry, change.found
    before = _shown(entry, found.content, found.kind, found.mode, found.uid, found.gid)
    wanted_mode = final_mode(entry, found)
    uid = entry.uid if entry.uid is not None else found.uid
    gid = entry.gid if entry.gid is not None else found.gid
    content = entry.content if change.content else found.content
    after = _shown(entry, content, entry.state, wanted_mode, uid, gid)
    if before == after:  # a secret's content
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
