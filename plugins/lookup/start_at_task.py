# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task at which the command line has Ansible start."""

from __future__ import annotations

DOCUMENTATION = r"""
name: start_at_task
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: The value of --start-at-task
description:
  - Returns the name that C(--start-at-task) gives, and an empty text without that option.
  - Ansible has no variable for it.
  - A playbook whose tasks need results of earlier tasks can refuse the option with a clear message.
options:
  _terms:
    description: Not used.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Show the task at which this run starts
  ansible.builtin.debug:
    msg: "{{ lookup('household.mediaserver.start_at_task') or 'the first one' }}"
"""

RETURN = r"""
_raw:
  description: One text.
  type: list
  elements: str
  sample: ["Configure Jellyfin"]
"""

from typing import Any

from ansible import context
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """The lookup's interface to Ansible."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        del terms
        self.set_options(var_options=variables, direct=kwargs)
        return [str(context.CLIARGS.get("start_at_task") or "")]
