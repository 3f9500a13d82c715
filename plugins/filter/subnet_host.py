# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that returns an address of a subnet."""

from __future__ import annotations

DOCUMENTATION = r"""
name: subnet_host
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Return an address of an IPv4 subnet by its number
description: Number 0 is the network address.
positional: number
options:
  _input:
    description: The subnet, in CIDR notation (RFC 4632).
    required: true
    type: str
  number:
    description: Number of the address.
    required: true
    type: int
"""

EXAMPLES = r"""
- name: Show the bridge's address
  ansible.builtin.debug:
    msg: "{{ '172.31.254.0/24' | household.mediaserver.subnet_host(1) }}"
"""

RETURN = r"""
_value:
  description: The address.
  type: str
  sample: 172.31.254.1
"""

import ipaddress
from collections.abc import Callable

from ansible.errors import AnsibleFilterError


def subnet_host(subnet: str, number: int) -> str:
    """Return address ``number`` of ``subnet``. Raises AnsibleFilterError when there is no such address."""
    try:
        network = ipaddress.IPv4Network(subnet)
        return str(network[number])
    except (ValueError, IndexError) as error:
        raise AnsibleFilterError(f"subnet_host: {subnet!r} has no address number {number}: {error}") from error


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"subnet_host": subnet_host}
