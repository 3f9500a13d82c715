# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that merges settings into daemon.json."""

from __future__ import annotations

DOCUMENTATION = r"""
name: docker_daemon_config
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Merge settings into the text of daemon.json
description:
  - Keys that are not mentioned keep their values. A later dictionary overrides an earlier one; nested dictionaries are
    merged, lists are replaced.
  - C(log-opts) belong to a C(log-driver). Options of another driver than the resulting one are left out, because
    dockerd does not start with them.
positional: wanted, options
options:
  _input:
    description: The current text of the file, empty when the file does not exist.
    required: true
    type: str
  wanted:
    description: Settings to merge.
    required: true
    type: dict
  options:
    description: More settings, which override O(wanted).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Limit the size of container logs
  ansible.builtin.debug:
    msg: "{{ '{}' | household.mediaserver.docker_daemon_config({'log-driver': 'local'}) }}"
"""

RETURN = r"""
_value:
  description: The new text. The current text unchanged when it has all settings already.
  type: str
  sample: "{\n  \"log-driver\": \"local\"\n}\n"
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._host import docker_daemon as daemon


def docker_daemon_config(text: str, wanted: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> str:
    """Return the merged text. Raises AnsibleFilterError when the current text is not a JSON object."""
    try:
        return daemon.render(text, wanted, options or {})
    except MediaserverError as error:
        raise AnsibleFilterError(str(error)) from None  # Ansible would append the text of the cause


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"docker_daemon_config": docker_daemon_config}
