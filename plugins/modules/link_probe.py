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
"""

EXAMPLES = r"""
- name: Be sure that downloads can be published
  household.mediaserver.link_probe:
    source: /mnt/downloads
    target: /mnt/media
    uid: 2000
    gid: 2000
"""

RETURN = r""" # """

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._storage import one_filesystem, try_link


def main() -> None:
    """Try it."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "path", "required": True},
            "target": {"type": "path", "required": True},
            "uid": {"type": "int", "required": True},
            "gid": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    try:
        if not module.check_mode:
            try_link(wanted["source"], wanted["target"], uid=wanted["uid"], gid=wanted["gid"])
        elif one_filesystem(wanted["source"], wanted["target"]) is None:
            module.exit_json(changed=False, skipped=True, msg="The folders do not exist yet, so no link can be tried.")
    except MediaserverError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
