#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: link_probe
short_description: Check that files can be hard-linked from one folder to another
version_added: 0.1.0
description:
  - Makes a hard link as the account that makes them later, and removes it. Fails with the reason when that is not
    possible.
  - Returns the paths in the upper three levels of O(readable) that the account cannot read, without changing them.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: partial
    details: In check mode, makes no link and compares the folders' filesystems; skipped while a folder is missing.
  diff_mode:
    support: none
    details: Nothing is changed.
  idempotent:
    support: full
    details: Never reports a change; the link is removed before the module ends.
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
    description: Uid of the account.
    type: int
    required: true
  gid:
    description: Gid of its group.
    type: int
    required: true
  readable:
    description: Folders whose content the account should be able to read.
    type: list
    elements: path
    default: []
  group:
    description: Name of the group, for the remedies in RV(unreadable). O(gid) when empty.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Check that downloads can be linked into the library
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
from ansible_collections.household.mediaserver.plugins.module_utils._host.media_access import describe, find_unreadable
from ansible_collections.household.mediaserver.plugins.module_utils._host.storage import one_filesystem, try_link


def main() -> None:
    """Run the module."""
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
    params = module.params
    findings = find_unreadable(params["readable"], uid=params["uid"], gid=params["gid"])
    lines = describe(findings, account=str(params["uid"]), group=params["group"] or str(params["gid"]))
    try:
        if not module.check_mode:
            try_link(params["source"], params["target"], uid=params["uid"], gid=params["gid"])
        elif one_filesystem(params["source"], params["target"]) is None:
            reason = "The folders do not exist yet, so no link can be tried."
            module.exit_json(changed=False, skipped=True, unreadable=lines, msg=reason)
    except MediaserverError as error:
        module.fail_json(msg=str(error), unreadable=lines)
    module.exit_json(changed=False, unreadable=lines)


if __name__ == "__main__":
    main()
