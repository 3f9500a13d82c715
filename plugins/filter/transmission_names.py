# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that renames Transmission's settings to kebab-case."""

from __future__ import annotations

DOCUMENTATION = r"""
name: transmission_names
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Rename settings of Transmission to kebab-case
description:
  - Gives each setting the name that C(docs/transmission-settings.md) lists, whichever of its names was used, so that
    one set of settings can override another. Unknown names are kept.
options:
  _input:
    description: Settings by any of their names.
    required: true
    type: dict
"""

EXAMPLES = r"""
- name: Show the settings that a household overrides
  ansible.builtin.debug:
    msg: "{{ {'cache_size_mib': 8, 'speed_limit_up': 100} | household.mediaserver.transmission_names }}"
"""

RETURN = r"""
_value:
  description: The same settings.
  type: dict
  sample: {"cache-size-mb": 8, "speed-limit-up": 100}
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import NAMES


def transmission_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings by their kebab-case names. Raises AnsibleFilterError for a setting that is given twice."""
    if not isinstance(settings, Mapping):
        raise AnsibleFilterError("transmission_names: the value is not a dictionary of settings.")
    named: dict[str, Any] = {}
    for spelling, value in settings.items():
        name = NAMES.get(spelling, spelling)
        if name in named:
            raise AnsibleFilterError(f"transmission_names: {name} is given twice, in two spellings. Remove one.")
        named[name] = value
    return named


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"transmission_names": transmission_names}
