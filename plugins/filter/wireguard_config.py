# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that brings a provider's WireGuard configuration file into normal form."""

from __future__ import annotations

DOCUMENTATION = r"""
name: wireguard_config
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Normal form of a provider's WireGuard configuration file
description:
  - Parses a provider's C(.conf) for C(wg-quick) and returns the settings that this collection uses.
  - The case of names, white space, comments, a byte order mark and the kind of line ending are ignored.
  - Several C([Peer]) sections are candidates for failover. C(PersistentKeepalive) is 25 seconds where it is missing
    or off.
  - Lists may be separated by commas or blanks. An optional setting without a value counts as absent.
  - C(ListenPort), C(FwMark), C(Table), C(SaveConfig), a phone's lists of apps, search domains and duplicate peers are
    dropped with a note. So are IPv6 parts with O(ipv6=false), and C(DNS) and C(MTU) where O(dns) and O(mtu) replace
    them.
  - The filter fails for C(PreUp), C(PostUp), C(PreDown), C(PostDown) (they would run as root), every unknown setting,
    a missing or malformed key, address, endpoint, port or resolver, an IPv6 endpoint, a tunnel without IPv4
    address, a peer without default route in C(AllowedIPs), and a setting that is given twice with different values.
  - The error names every fault with C(gateway_provider_config), its line and the remedy. It never shows a value.
options:
  _input:
    description: The text of the file.
    required: true
    type: str
  ipv6:
    description: Whether IPv6 is used inside the tunnel.
    type: bool
    default: false
  dns:
    description: Resolvers that replace the file's C(DNS). Needed when the file has none.
    type: list
    elements: str
    default: []
  mtu:
    description: MTU in bytes that replaces the file's; V(0) keeps the file's.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Show the servers of the provider's file
  ansible.builtin.debug:
    msg: >-
      {{ (gateway_provider_config | household.mediaserver.wireguard_config).peers | map(attribute='host') }}
"""

RETURN = r"""
_value:
  description: The tunnel. It contains the private key; never print it.
  type: dict
  contains:
    private_key:
      description: The private key, base64.
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
        - The servers in the order of the file, candidates for failover.
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

from collections.abc import Callable, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.config import (
    ConfigurationError,
    from_conf,
)


def wireguard_config(text: str, ipv6: bool = False, dns: Sequence[str] = (), mtu: int = 0) -> dict[str, Any]:
    """Return the normal form. Raises AnsibleFilterError for a file that cannot be used."""
    if not isinstance(text, str):
        raise AnsibleFilterError(
            "gateway_provider_config: the value is not a text. Paste the provider's .conf below it as a block (|)."
        )
    try:
        return from_conf(text, ipv6=ipv6, dns=dns, mtu=mtu)
    except ConfigurationError as error:
        # Without the cause, whose text may contain a secret.
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"wireguard_config": wireguard_config}
