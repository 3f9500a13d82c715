# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A JSON file that a service owns: an object, or damaged."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field

from .errors import FileProblem
from .files import replace
from .owned_file import MAX_BYTES, FileState, OwnedFile


@dataclass(frozen=True)
class Content(FileState):
    """The present file. `problem`: why it is not a JSON object."""

    data: dict[str, t.Any] = field(default_factory=dict)
    problem: str = ""


class JsonFile(OwnedFile):
    """One file that holds a JSON object."""

    def read(self) -> Content:
        """Return what is there; an absent file is no error."""
        found = self.read_raw()
        if not found.exists:
            return Content()
        data, problem = parse_object(found.raw)
        return Content(**vars(found), data=data, problem=problem)

    def write(self, data: dict[str, t.Any], *, found: FileState) -> None:
        """Replace the file in one step. Where no owner is asked for, the old file's stays."""
        self.replace(
            json.dumps(data, indent=4, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", found=found
        )

    def keep_aside(self, content: FileState) -> str:
        """Copy a damaged file beside itself and return the copy's path; the same damage is kept once."""
        path = f"{self.path}.damaged-{hashlib.sha256(content.raw).hexdigest()[:12]}"
        try:
            replace(path, content.raw, mode=0o600, owner=content.owner)
        except OSError as error:
            raise FileProblem(f"{path} cannot be written: {error.strerror}") from error
        return path


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
        return {}, "it is not a JSON object"
    return data, ""
