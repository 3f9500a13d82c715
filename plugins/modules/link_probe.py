#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: link_probe
short_description: Try whether files can be linked from one folder to another
version_added: 0.1.0
description:
  - Makes a real hard link as the account that will make them later, removes it again, and fails with the reason when
    that cannot be done.
  - Names what the account cannot read in the upper three levels of O(readable), without changing it.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: partial
    details: Links nothing in check mode; compares the folders' filesystems, and is skipped while one is missing.
  diff_mode:
    support: none
    details: Nothing is changed.
  idempotent:
    support: full
    details: Never reports a change; what it makes is gone when it ends.
options:
  source:
    description: Folder that files are linked from.
    type: path
    required: true
  target:
    description: Folder that files are linked to.
    type: path
    required: true
  uid:
    description: Number of the account.
    type: int
    required: true
  gid:
    description: Number of its group.
    type: int
    required: true
  readable:
    description: Folders in which the account should be able to read everything.
    type: list
    elements: path
    default: []
  group:
    description: Name of the group, for the remedy that is named.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Be sure that downloads can be published
  household.mediaserver.link_probe:
    source: /mnt/downloads
    target: /mnt/media
    uid: 2000
    gid: 2000
    readable: [/mnt/media]
"""

RETURN = r"""
unreadable:
  description: At most ten paths that the account cannot read, each with the reason and a remedy.
  returned: always
  type: list
  elements: str
  sample: ["/mnt/media/movies/Old: account 2000, as which the services run, may not read it."]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._host.media_access import told, unreadable
from ansible_collections.household.mediaserver.plugins.module_utils._host.storage import one_filesystem, try_link


def main() -> None:
    """Try it."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "path", "required": True},
            "target": {"type": "path", "required": True},
            "uid": {"type": "int", "required": True},
            "gid": {"type": "int", "required": True},
            "readable": {"type": "list", "elements": "path", "default": []},
            "group": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    found = unreadable(wanted["readable"], uid=wanted["uid"], gid=wanted["gid"])
    lines = told(found, account=str(wanted["uid"]), group=wanted["group"] or str(wanted["gid"]))
    try:
        if not module.check_mode:
            try_link(wanted["source"], wanted["target"], uid=wanted["uid"], gid=wanted["gid"])
        elif one_filesystem(wanted["source"], wanted["target"]) is None:
            reason = "The folders do not exist yet, so no link can be tried."
            module.exit_json(changed=False, skipped=True, unreadable=lines, msg=reason)
    except MediaserverError as error:
        module.fail_json(msg=str(error), unreadable=lines)
    module.exit_json(changed=False, unreadable=lines)


if __name__ == "__main__":
    main()
