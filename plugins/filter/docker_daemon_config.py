# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of dockerd, merged into what is there."""

from __future__ import annotations

DOCUMENTATION = r"""
name: docker_daemon_config
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: The text of daemon.json with settings merged into it
description:
  - Keys that are not mentioned stay as they are. A later dictionary wins over an earlier one; dictionaries in them are
    joined, lists are replaced.
  - C(log-opts) belong to a C(log-driver). Those of another driver than the one that wins are left out, because dockerd
    would not start with them.
positional: wanted, options
options:
  _input:
    description: The text of the file as it is, empty when there is none.
    required: true
    type: str
  wanted:
    description: Settings to have.
    required: true
    type: dict
  options:
    description: More settings, which win over O(wanted).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Bound the logs
  ansible.builtin.debug:
    msg: "{{ '{}' | household.mediaserver.docker_daemon_config({'log-driver': 'local'}) }}"
"""

RETURN = r"""
_value:
  description: The new text. The old one, to the letter, when it says all of it already.
  type: str
  sample: "{\n  \"log-driver\": \"local\"\n}\n"
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._host import docker_daemon as daemon


def docker_daemon_config(text: str, wanted: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> str:
    """Return the merged text. Raises AnsibleFilterError when the file that is there is no JSON object."""
    try:
        return daemon.render(text, wanted, options or {})
    except MediaserverError as error:
        raise AnsibleFilterError(str(error)) from None  # Ansible would repeat the cause's text


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"docker_daemon_config": docker_daemon_config}
