# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: boot_cmdline
short_description: Add parameters to the kernel command line of a Raspberry Pi
version_added: 0.1.0
description:
  - Returns the line of C(cmdline.txt) with the parameters in it, unchanged when it has them already.
author:
  - household.mediaserver contributors (@household)
positional: tokens
options:
  _input:
    description: Text of the file.
    type: str
    required: true
  tokens:
    description: Parameters that must be in the line. C(cgroup_enable=x) also removes C(cgroup_disable=x).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show the line with memory limits switched on
  ansible.builtin.debug:
    msg: "{{ 'console=tty1 rootwait' | household.mediaserver.boot_cmdline(['cgroup_enable=memory']) }}"
"""

RETURN = r"""
_value:
  description: The new text of the file.
  type: str
  sample: console=tty1 rootwait cgroup_enable=memory
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.module_utils._host.cmdline import with_tokens


def boot_cmdline(text: str, tokens: list[str]) -> str:
    """Return the new text of cmdline.txt. Raises AnsibleFilterError when it does not have exactly one line."""
    try:
        return with_tokens(text, tokens)
    except ValueError as error:
        raise AnsibleFilterError(
            f"cmdline.txt was not changed: {error}; write the kernel command line into one line by hand"
        ) from error


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"boot_cmdline": boot_cmdline}
