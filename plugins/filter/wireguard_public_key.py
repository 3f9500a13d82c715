# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that returns the public key of a WireGuard private key."""

from __future__ import annotations

DOCUMENTATION = r"""
name: wireguard_public_key
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Public key of a WireGuard private key
description:
  - Returns the same as C(wg pubkey) (Curve25519, RFC 7748), without the program.
options:
  _input:
    description: The private key, base64. White space around it is ignored.
    required: true
    type: str
"""

EXAMPLES = r"""
- name: Show the public key for the other side
  ansible.builtin.debug:
    msg: "{{ gateway_private_key | household.mediaserver.wireguard_public_key }}"
"""

RETURN = r"""
_value:
  description: The public key, base64.
  type: str
  sample: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.values import (
    InvalidField,
    public_key,
)


def wireguard_public_key(private_key: str) -> str:
    """Return the public key. Raises AnsibleFilterError for an invalid key, without its value."""
    if not isinstance(private_key, str):
        raise AnsibleFilterError("wireguard_public_key: the value is not a text. Pass a private key, base64.")
    try:
        return public_key(private_key.strip())
    except InvalidField as error:
        raise AnsibleFilterError(f"wireguard_public_key: {error}") from None


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"wireguard_public_key": wireguard_public_key}
