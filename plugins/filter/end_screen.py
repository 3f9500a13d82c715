# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that makes the summary at the end of a playbook run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: end_screen
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Summary at the end of a playbook run
description: Returns lines with the state of the tunnel, the addresses to open, and the next step.
positional: address, web_interfaces, next_steps, user, household
options:
  _input:
    description: Output of C(vpn-gateway report).
    required: true
    type: str
  address:
    description: The host's address on the LAN.
    required: true
    type: str
  web_interfaces:
    description: Web interfaces, each with C(title), C(port) of the host, and C(scheme).
    required: true
    type: list
    elements: dict
  next_steps:
    description: What the household does first with its services.
    required: true
    type: list
    elements: str
  user:
    description: Name to log in with, empty when it is not known.
    type: str
    default: ""
  household:
    description: Folder of the inventory, for the command that tests for leaks. When empty, a placeholder is shown.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show how to reach the services
  ansible.builtin.debug:
    msg: "{{ '{\"up\": true, \"peer\": \"vpn.example:51820\", \"endpoint\": \"\"}'
      | household.mediaserver.end_screen('192.168.1.5', [{'title': 'Jellyfin', 'port': 8096}],
      ['add your indexers in Jackett'], household='inventory/home') }}"
"""

RETURN = r"""
_value:
  description: Whether the run must fail, and the lines of the summary.
  type: dict
  contains:
    must_act:
      description: Whether the tunnel is down for a reason that the household can correct.
      type: bool
      sample: false
    lines:
      description: The lines of the summary.
      type: list
      elements: str
      sample: ["Tunnel: up, through server vpn.example:51820."]
  sample:
    must_act: false
    lines:
      - "Tunnel: up, through server vpn.example:51820."
      - "Open: Jellyfin http://192.168.1.5:8096"
      - >-
        Next: add your indexers in Jackett, and run `make verify HOUSE=inventory/home` to check that no traffic
        bypasses the tunnel.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.household.mediaserver.plugins.module_utils._host import end_screen as screen


def end_screen(
    text: str,
    address: str,
    web_interfaces: Sequence[Mapping[str, Any]],
    next_steps: Sequence[str],
    user: str = "",
    household: str = "",
) -> dict[str, Any]:
    """Return the summary for the output of ``vpn-gateway report``, and whether the run must fail."""
    report = screen.parse(text)
    shown = screen.lines(report, address, web_interfaces, next_steps, user, household)
    return {"must_act": bool(report.get("must_act")), "lines": shown}


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"end_screen": end_screen}
