#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: job_lock
short_description: End this run's lock of the host
version_added: 0.1.0
description:
  - Backup, restore, upgrade and C(site.yml) do not work on a host at the same time. M(household.mediaserver.host_info)
    takes the lock for a playbook, because it is its first execution; this module ends it.
  - The lock of another run is left alone.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: full
    details: In check mode no lock was taken, so none is ended.
  diff_mode:
    support: none
    details: The lock ends with the run in any case.
  idempotent:
    support: full
    details: Never reports a change, because the lock belongs to the run.
options:
  controller:
    description: Name of the machine on which the run works.
    type: str
    required: true
  process:
    description: Its process there.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Let other jobs work on the host
  household.mediaserver.job_lock:
    controller: laptop
    process: 4711
"""

RETURN = r"""
released:
  description: Whether this run had the lock.
  returned: always
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core import job_lock


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "controller": {"type": "str", "required": True},
            "process": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        released = not module.check_mode and job_lock.release(module.params["controller"], module.params["process"])
    except OSError as error:
        module.fail_json(msg=f"The lock of this run cannot be ended: {error}. It ends by itself within two hours.")
    module.exit_json(changed=False, released=released)


if __name__ == "__main__":
    main()
