# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: boot_cmdline
short_description: Add words to the kernel command line of a Raspberry Pi
version_added: 0.1.0
description:
  - Returns the one line of C(cmdline.txt) with the words in it, unchanged when they are there already.
author:
  - household.mediaserver contributors (@household)
positional: tokens
options:
  _input:
    description: Text of the file.
    type: str
    required: true
  tokens:
    description: Words that must be in the line.
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
    try:
        return with_tokens(text, tokens)
    except ValueError as exc:
        raise AnsibleFilterError(
            f"the boot command line (cmdline.txt) was left alone: {exc}; put it right by hand"
        ) from exc


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"boot_cmdline": boot_cmdline}
