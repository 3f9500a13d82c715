# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes entries for the module file_tree from a folder of a role."""

from __future__ import annotations

DOCUMENTATION = r"""
name: folder_entries
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Entries for household.mediaserver.file_tree from a folder of files
description:
  - Returns the entries for M(household.mediaserver.file_tree) that install a folder of the role's C(files), the
    destination folder first, then every file below it that is not hidden, sorted by name.
  - Executable files get the mode V(0755), others V(0644).
options:
  _terms:
    description: The folder, relative to the role's C(files).
    required: true
    type: str
  dest:
    description: Absolute path of the folder on the target.
    required: true
    type: str
"""

EXAMPLES = r"""
- name: Install the host's programs
  household.mediaserver.file_tree:
    owner: root
    group: root
    entries: "{{ lookup('household.mediaserver.folder_entries', 'scripts', dest='/opt/mediaserver/scripts') }}"
"""

RETURN = r"""
_raw:
  description: One list of entries.
  type: list
  elements: list
  sample: [[{path: /opt/mediaserver/scripts, state: directory, mode: "0755"}]]
"""

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase


def entries_below(folder: Path, dest: str) -> list[dict[str, str]]:
    """Return the entry of ``dest`` and of each visible file below ``folder``."""
    entries = [{"path": dest, "state": "directory", "mode": "0755"}]
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__pycache__")):
            continue
        target = f"{dest}/{path.name}"
        if path.is_dir():
            entries += entries_below(path, target)
        else:
            mode = "0755" if os.access(path, os.X_OK) else "0644"
            entries.append({"path": target, "content": path.read_text(encoding="utf-8"), "mode": mode})
    return entries


class LookupModule(LookupBase):
    """The lookup's interface to Ansible."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[list[dict[str, str]]]:
        """Return one list of entries per folder. Raises AnsibleLookupError when a folder does not exist."""
        self.set_options(var_options=variables, direct=kwargs)
        found = []
        for term in terms:
            folder = self.find_file_in_search_path(variables, "files", term)
            if folder is None or not Path(folder).is_dir():
                raise AnsibleLookupError(f"folder_entries: no folder {term!r} in the role's files; correct its name")
            found.append(entries_below(Path(folder), self.get_option("dest")))
        return found
