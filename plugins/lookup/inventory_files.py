# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the inventory folder of a household, as its backup keeps it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: inventory_files
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: The files of a household's inventory folder, with vaults as they are
description:
  - Returns the text of each file below the folder by its relative path. Nothing is decrypted.
  - Variables of other hosts, and of groups that the host is not in, are left out. So are hidden files, links out of the
    folder, and files larger than 1 MiB.
  - A file that is not UTF-8 is returned in base64, under its name with C(.base64) appended.
options:
  _terms:
    description: The folder. An empty one has no files.
    required: true
    type: str
"""

EXAMPLES = r"""
- name: Show which files the backup keeps
  ansible.builtin.debug:
    msg: "{{ lookup('household.mediaserver.inventory_files', inventory_dir) | list }}"
"""

RETURN = r"""
_raw:
  description: One dictionary for each folder.
  type: list
  elements: dict
  sample: [{hosts.yml: "mediaserver: {hosts: {livingroom: {}}}"}]
"""

import base64
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

SIZE_MAX = 1024 * 1024
# Folders of variables by host and by group.
HOSTS, GROUPS = "host_vars", "group_vars"


def files_below(folder: Path, host: str, groups: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield relative path and text of each file that belongs to a host."""
    top = folder.resolve()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") or part.endswith("~") for part in relative.parts):
            continue
        if not _belongs(relative, host, groups) or not path.resolve().is_relative_to(top):
            continue
        if path.is_file() and path.stat().st_size <= SIZE_MAX:
            yield _text(str(relative), path.read_bytes())


def _belongs(relative: Path, host: str, groups: Collection[str]) -> bool:
    if len(relative.parts) < 2 or relative.parts[0] not in (HOSTS, GROUPS):
        return True
    allowed = {host} if relative.parts[0] == HOSTS else {*groups, "all"}
    # host_vars/NAME/ and host_vars/NAME.yml; names of hosts have dots themselves.
    name = relative.parts[1]
    return name in allowed or any(name.removesuffix(end) in allowed for end in (".yml", ".yaml", ".json"))


def _text(name: str, raw: bytes) -> tuple[str, str]:
    try:
        return name, raw.decode("utf-8")
    except UnicodeDecodeError:
        return f"{name}.base64", base64.encodebytes(raw).decode("ascii")


class LookupModule(LookupBase):
    """The lookup's interface to Ansible."""

    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict[str, str]]:
        """Return the files of each folder."""
        self.set_options(var_options=variables, direct=kwargs)
        known = variables or {}
        host, groups = str(known.get("inventory_hostname", "")), list(known.get("group_names", []))
        return [dict(files_below(Path(term), host, groups)) if term and Path(term).is_dir() else {} for term in terms]
