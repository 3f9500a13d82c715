# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A JSON file that a service owns: read without trust, replaced in one step, never truncated.

The service's account may put anything into its folder while we are root, so links are refused.
"""

from __future__ import annotations

import errno
import grp
import hashlib
import json
import os
import pwd
import stat
import typing as t
from dataclasses import dataclass, field

from ansible_collections.household.mediaserver.plugins.module_utils._durable import replace
from ansible_collections.household.mediaserver.plugins.module_utils._errors import FileProblem

MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Content:
    """What was found. `problem`: why it is no JSON object; `stamp` changes with every writing."""

    exists: bool = False
    data: dict[str, t.Any] = field(default_factory=dict)
    problem: str = ""
    raw: bytes = b""
    owner: tuple[int, int] = (-1, -1)
    stamp: tuple[int, int] = (0, 0)


class JsonFile:
    """One file, with the owner and mode that it has to get."""

    def __init__(self, path: str, *, owner: str = "", group: str = "", mode: int = 0o600) -> None:
        self.path = path
        self.owner = owner
        self.group = group
        self.mode = mode

    def read(self) -> Content:
        """Return what is there; an absent file is no error."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return Content()
        except OSError as error:
            reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
            raise FileProblem(f"{self.path} cannot be read: {reason}") from error
        with os.fdopen(descriptor, "rb") as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise FileProblem(f"{self.path} is not a file")
            raw = file.read(MAX_BYTES + 1)
        data, problem = parse_object(raw)
        return Content(True, data, problem, raw, (info.st_uid, info.st_gid), (info.st_ino, info.st_mtime_ns))

    def wrong_owner(self, content: Content, *, may_be_missing: bool) -> bool:
        """Tell whether it belongs to somebody else; in check mode accounts may be yet to come."""
        if not content.exists:
            return False
        wanted = self._ids(may_be_missing=may_be_missing)
        return wanted is None or any(want not in (-1, has) for want, has in zip(wanted, content.owner, strict=True))

    def write(self, data: dict[str, t.Any], *, found: Content) -> None:
        """Replace the file in one step. Where no owner is asked for, the old file's stays."""
        text = json.dumps(data, indent=4, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
        wanted = self._ids(may_be_missing=False) or (-1, -1)
        owner = tuple(has if want == -1 else want for want, has in zip(wanted, found.owner, strict=True))
        try:
            replace(self.path, text.encode(), mode=self.mode, owner=(owner[0], owner[1]))
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be written: {error.strerror}") from error

    def hand_over(self) -> None:
        """Give the file to its owner, unwritten. One with a second name may be another's."""
        wanted = self._ids(may_be_missing=False) or (-1, -1)
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                info = os.fstat(descriptor)
                if stat.S_ISREG(info.st_mode) and info.st_nlink == 1:
                    os.fchown(descriptor, *wanted)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be handed over: {error.strerror}") from error

    def keep_aside(self, content: Content) -> str:
        """Copy a damaged file beside itself and return the copy's path; the same damage is kept once."""
        path = f"{self.path}.damaged-{hashlib.sha256(content.raw).hexdigest()[:12]}"
        try:
            replace(path, content.raw, mode=0o600, owner=content.owner)
        except OSError as error:
            raise FileProblem(f"{path} cannot be written: {error.strerror}") from error
        return path

    def _ids(self, *, may_be_missing: bool) -> tuple[int, int] | None:
        try:
            uid = -1 if not self.owner else _number(self.owner, lambda name: pwd.getpwnam(name).pw_uid)
            gid = -1 if not self.group else _number(self.group, lambda name: grp.getgrnam(name).gr_gid)
        except KeyError as error:
            if may_be_missing:
                return None
            raise FileProblem(f"owner and group of {self.path}: {error.args[0]}") from error
        return uid, gid


def parse_object(raw: bytes) -> tuple[dict[str, t.Any], str]:
    """Return the object and an empty text, or nothing and what is wrong; never part of the content."""
    if len(raw) > MAX_BYTES:
        return {}, f"it is longer than {MAX_BYTES} bytes"
    if not raw.strip():
        return {}, "it is empty"
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return {}, "it is not UTF-8"
    except json.JSONDecodeError as error:
        return {}, f"it is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
    except RecursionError:
        return {}, "it is nested too deeply"
    if not isinstance(data, dict):
        return {}, "it is no JSON object"
    return data, ""


def _number(name: str, look_up: t.Callable[[str], int]) -> int:
    return int(name) if name.isdigit() else look_up(name)
