#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mount_guard
short_description: Keep a mount point empty and immutable while nothing is mounted there
version_added: 0.1.0
description:
  - Sets the immutable flag (C(chattr +i)) on the folder of the root filesystem below a mount point, whether or not
    something is mounted there now. No program can then fill the system's own disk while the media disk is missing.
  - Fails when that folder holds files.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows whether the folder is protected.
  idempotent:
    support: full
options:
  path:
    description: The mount point, a folder of the root filesystem.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Protect the mount point of the media disk
  household.mediaserver.mount_guard:
    path: /mnt
"""

RETURN = r""" # """

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._host.storage import MountGuard

SHOWN = {False: "not protected\n", True: "protected\n"}


def main() -> None:
    """Read, plan, apply."""
    module = AnsibleModule(argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True)

    def run(command: list[str]) -> tuple[int, str, str]:
        # The output is parsed, so it must not be translated.
        status, output, errors = module.run_command(command, environ_update={"LC_ALL": "C"})
        return status, output, errors

    guard = MountGuard(module.params["path"], run)
    try:
        protected = guard.is_protected()
        if not protected and not module.check_mode:
            guard.protect()
    except MediaserverError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=not protected, diff={"before": SHOWN[protected], "after": SHOWN[True]})


if __name__ == "__main__":
    main()
