#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Measure everything about a host that the roles decide by
version_added: 0.1.0
description:
  - Reads architecture, release, memory, disks, networks, accounts, clock, graphics devices, Docker, listening
    ports and kernel settings in one execution, and changes nothing.
  - What cannot be read is empty. Nothing is guessed, and nothing is needed on the host but Python.
author:
  - household.mediaserver contributors (@household)
attributes:
  check_mode:
    description: Can run in check mode and gives the same answer.
    support: full
  diff_mode:
    description: Shows no diff, because nothing is changed.
    support: none
  idempotent:
    description: Never reports a change.
    support: full
options:
  paths:
    description: Absolute paths whose filesystems are measured; for one that does not exist, its parent.
    type: list
    elements: str
    default: []
  packages:
    description: Packages whose installed versions are wanted.
    type: list
    elements: str
    default: []
  ports:
    description: TCP ports to look for among the listening ones; all when empty.
    type: list
    elements: int
    default: []
  sysctl:
    description: Kernel settings whose live values are wanted.
    type: list
    elements: str
    default: []
  kernel_modules:
    description: Kernel modules whose state is wanted.
    type: list
    elements: str
    default: []
  probe:
    description: Absolute paths of which to tell whether they exist.
    type: list
    elements: str
    default: []
  timezone:
    description: Time zone of which to tell whether the host knows it.
    type: str
    default: ""
  user:
    description: Account to describe.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Measure the host
  household.mediaserver.host_info:
    paths: [/, /mnt]
    packages: [nftables]
    ports: [9091, 8096]
"""

RETURN = r"""
ansible_facts:
  description: One fact that holds all measurements.
  returned: always
  type: dict
  contains:
    mediaserver_host:
      description: The measurements.
      returned: always
      type: dict
      contains:
        architecture:
          description: Architecture of the userland, as dpkg says it.
          returned: always
          type: str
          sample: arm64
        os:
          description: Fields ID, VERSION_ID and VERSION_CODENAME of C(/etc/os-release).
          returned: always
          type: dict
          sample: {id: debian, version_id: "13", codename: trixie}
        memory_cgroup:
          description: Whether the kernel can limit memory.
          returned: always
          type: bool
        filesystems:
          description: For each path size, free space, mount point, type, device and UUID.
          returned: always
          type: dict
        networks:
          description: Networks that the host reaches without its default route, with their interfaces.
          returned: always
          type: list
          elements: dict
        ports_listening:
          description: Listening ports with process, and container and project where Docker has them.
          returned: always
          type: list
          elements: dict
        docker:
          description: Packages and versions of engine and compose plugin.
          returned: always
          type: dict
        sysctl:
          description: Live values of the kernel settings asked for, where they exist.
          returned: always
          type: dict
        sysctl_fixed:
          description: Settings asked for that do not exist here or cannot be written.
          returned: always
          type: list
          elements: str
        kernel_modules:
          description: C(loaded), C(built-in), C(available) or C(missing) for each module asked for.
          returned: always
          type: dict
        timezones_known:
          description: Whether the host knows the time zone asked for; null without a time zone database.
          returned: always
          type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._host_info import Reader, measure


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "str", "default": []},
            "packages": {"type": "list", "elements": "str", "default": []},
            "ports": {"type": "list", "elements": "int", "default": []},
            "sysctl": {"type": "list", "elements": "str", "default": []},
            "kernel_modules": {"type": "list", "elements": "str", "default": []},
            "probe": {"type": "list", "elements": "str", "default": []},
            "timezone": {"type": "str", "default": ""},
            "user": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    module.exit_json(
        changed=False, ansible_facts={"mediaserver_host": measure(Reader(module.run_command), module.params)}
    )


if __name__ == "__main__":
    main()
