# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that brings a tunnel described by single fields into normal form."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_endpoints_config
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Normal form of a tunnel described by single fields
description:
  - Returns the same structure as P(household.mediaserver.wireguard_config#filter), by the same rules.
  - An error names the variable (C(gateway_endpoints[0].host), C(gateway_dns), ...), the fault and the remedy. It never
    shows a value.
options:
  _input:
    description: WireGuard servers that share address and resolver, in order of preference.
    required: true
    type: list
    elements: dict
    suboptions:
      host:
        description: Name or IPv4 address.
        type: str
        required: true
      port:
        description: UDP port.
        type: int
        default: 51820
      public_key:
        description: The server's public key, base64.
        type: str
        required: true
      preshared_key:
        description: Preshared key, base64.
        type: str
  private_key:
    description: The tunnel's private key, base64. Empty when it is generated on the host.
    type: str
    default: ""
  addresses:
    description: The tunnel's own addresses, with or without prefix length.
    type: list
    elements: str
    default: []
  dns:
    description: IP addresses of the provider's resolvers.
    type: list
    elements: str
    default: []
  mtu:
    description: MTU in bytes, V(0) for none.
    type: int
    default: 0
  ipv6:
    description: Whether IPv6 is used inside the tunnel.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the servers
  ansible.builtin.debug:
    msg: >-
      {{ (gateway_endpoints | household.mediaserver.gateway_endpoints_config(
           addresses=['10.66.0.2/32'], dns=['10.66.0.1'])).peers | map(attribute='host') }}
"""

RETURN = r"""
_value:
  description: The tunnel. It contains the private key; never print it.
  type: dict
  contains:
    private_key:
      description: The private key, base64. Empty when it is generated on the host.
      type: str
      returned: always
      sample: dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=
    addresses:
      description: The tunnel's own addresses with prefix length, IPv4 first.
      type: list
      elements: str
      returned: always
      sample: [10.66.0.2/32]
    dns:
      description: Addresses of the resolvers that are queried through the tunnel, IPv4 first.
      type: list
      elements: str
      returned: always
      sample: [10.66.0.1]
    mtu:
      description: MTU in bytes, V(null) when not set.
      type: int
      returned: always
      sample: 1420
    peers:
      description:
        - The servers in the given order, candidates for failover.
        - Each has C(public_key), C(preshared_key) or V(null), C(host), C(port), C(allowed_ips), C(keepalive)
          in seconds.
      type: list
      elements: dict
      returned: always
      sample:
        - public_key: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
          preshared_key: null
          host: 198.18.0.20
          port: 51820
          allowed_ips: [0.0.0.0/0]
          keepalive: 25
    notes:
      description: Settings that are dropped or replaced, each with the reason. They contain no secret.
      type: list
      elements: str
      returned: always
      sample: ["gateway_dns[1]: resolver fd00::1 is dropped: mediaserver_ipv6 is off"]
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.config import (
    ConfigurationError,
    from_fields,
)


def gateway_endpoints_config(
    endpoints: Sequence[Mapping[str, Any]],
    private_key: str = "",
    addresses: Sequence[str] = (),
    dns: Sequence[str] = (),
    mtu: int = 0,
    ipv6: bool = False,
) -> dict[str, Any]:
    """Return the normal form. Raises AnsibleFilterError for fields that cannot be used."""
    try:
        return from_fields(endpoints, private_key=private_key, addresses=addresses, dns=dns, mtu=mtu, ipv6=ipv6)
    except ConfigurationError as error:
        # Without the cause, whose text may contain a secret.
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gateway_endpoints_config": gateway_endpoints_config}
