#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: file_tree
short_description: Install many files and folders in one execution
version_added: 0.1.0
description:
  - Compares all entries with the host, validates new contents, and only then writes.
  - Every file is replaced atomically. Symbolic links are replaced, not followed.
  - One execution over SSH takes about half a second for any number of entries. A loop takes that for each entry.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Contents in O(secrets) are shown as hidden.
  idempotent:
    support: full
options:
  entries:
    description: Paths to manage, in this order. A folder that does not exist yet must be listed before its content.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      state:
        description:
          - Wanted state. V(absent) removes a file or an empty folder; of a symbolic link, the link and not its target.
        type: str
        choices: [file, directory, absent]
        default: file
      content:
        description: The file's whole content. O(entries[].state=file) needs exactly one of this and O(secrets).
        type: str
      mode:
        description: Octal mode, in quotes. Without it, an existing path keeps its mode.
        type: str
      owner:
        description: Name or uid of the owner; overrides the module's O(owner).
        type: str
      group:
        description: Name or gid of the group; overrides the module's O(group).
        type: str
      force:
        description: V(false) writes the content only when the file does not exist. Owner and mode are always managed.
        type: bool
        default: true
      recurse:
        description: For O(entries[].state=absent), remove a folder with its content.
        type: bool
        default: false
      exclusive:
        description:
          - For O(entries[].state=directory), remove every path below it that is not an entry, except Python's
            C(__pycache__).
          - Only for a folder whose whole content this task installs.
        type: bool
        default: false
      validate:
        description:
          - Command that validates the new content before anything is replaced; V(%s) is replaced by the name of a file
            with that content.
          - In check mode the command is skipped when its program is not installed yet.
          - When the command fails, its output is shown, except for a secret.
        type: str
  secrets:
    description:
      - Contents by path, for entries without O(entries[].content). They are never shown in a diff, result or log.
        (In O(entries), Ansible would not recognise a secret of several lines when it logs a call.)
    type: dict
  owner:
    description: Name or uid of the owner of all entries without O(entries[].owner).
    type: str
  group:
    description: Name or gid of the group of all entries without O(entries[].group).
    type: str
notes:
  - Check mode assumes that an account or a parent folder that does not exist yet will be created by an earlier task.
"""

EXAMPLES = r"""
- name: Install a program and its settings
  household.mediaserver.file_tree:
    owner: root
    group: root
    entries:
      - path: /opt/example
        state: directory
        mode: "0755"
      - path: /opt/example/settings.json
        content: '{"volume": 11}'
        mode: "0600"
        validate: python3 -m json.tool %s
"""

RETURN = r"""
paths:
  description: The paths that changed, or in check mode would change, in order.
  returned: always
  type: list
  elements: str
  sample: [/opt/example/settings.json]
"""

import shlex
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._host import file_tree
from ansible_collections.household.mediaserver.plugins.module_utils._host import file_tree_disk as disk

ENTRY: dict[str, Any] = {
    "path": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
    "content": {"type": "str"},
    "mode": {"type": "str"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "force": {"type": "bool", "default": True},
    "recurse": {"type": "bool", "default": False},
    "exclusive": {"type": "bool", "default": False},
    "validate": {"type": "str"},
}


def main() -> None:
    """Read, plan, apply."""
    module = AnsibleModule(
        argument_spec={
            "entries": {"type": "list", "elements": "dict", "required": True, "options": ENTRY},
            "secrets": {"type": "dict", "no_log": True},
            "owner": {"type": "str"},
            "group": {"type": "str"},
        },
        supports_check_mode=True,
    )
    raw = module.params["entries"]

    def run(command: list[str]) -> tuple[int, str]:
        status, output, errors = module.run_command(command)
        return status, errors or output

    tree = disk.Tree(run, shlex.split)
    try:
        wanted = file_tree.entries(
            raw, module.params["owner"], module.params["group"], secrets=module.params["secrets"]
        )
        wanted += disk.unlisted(wanted)
        changes = file_tree.plan(wanted, {entry.path: disk.read(entry.path) for entry in wanted})
        file_tree.check_empty(changes)
        if not module.check_mode:
            file_tree.check_owners(changes)
            file_tree.check_parents(changes)
        tree.validate(changes, only_if_installed=module.check_mode)
        if not module.check_mode:
            tree.apply(changes)
    except MediaserverError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(changes),
        paths=[change.entry.path for change in changes],
        diff=[file_tree.diff(change) for change in changes],
    )


if __name__ == "__main__":
    main()
