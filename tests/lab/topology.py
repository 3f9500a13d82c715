# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and addresses of the lab. Addresses are from 198.18.0.0/15 (RFC 2544, for tests); tunnels use 10/8."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "household-lab"
LABEL = "household.mediaserver.lab"

LAB = "198.18.0.0/15"
INTERNET = "198.18.0.0/24"
INTERNET_GATEWAY = "198.18.0.1"
INTERNET_HOST = "198.18.0.10"
RESOLVER = "198.18.0.53"
REGISTRY = "198.18.0.30"
REGISTRY_PORT = 5000
TRACKER_PORT = 6969
WIREGUARD_PORT = 51820
TUNNEL = "10.66.0.0/24"
TUNNEL_RESOLVER = "10.66.0.1"
# Networks inside a Pi, which must not appear outside: the default of gateway_subnet, and the leak test's control.
VPN, CONTROL = "172.31.254.0/24", "172.31.253.0/24"
# IPv6 inside the tunnel (RFC 4193); the lab has no IPv6 outside of it.
TUNNEL_IPV6 = "fd66::/64"
SERVER_IPV6 = "fd66::1"


@dataclass(frozen=True)
class Provider:
    """One WireGuard server of the provider; its address is also its clients' public address.

    All servers use the same addresses inside the tunnel: when a household changes server, it keeps its address and
    resolver, and only its forwarded port changes.
    """

    number: int

    @property
    def name(self) -> str:
        return f"{PREFIX}-provider{self.number}"

    @property
    def address(self) -> str:
        return f"198.18.0.{19 + self.number}"

    @property
    def first_port(self) -> int:
        """The first of the ports that it forwards. The ranges of two servers do not overlap, so a change is visible."""
        return 30000 + 10000 * self.number


@dataclass(frozen=True)
class LabHousehold:
    """One simulated household: a router, a Pi and a laptop on their LAN."""

    number: int

    @property
    def name(self) -> str:
        return f"{PREFIX}-house{self.number}"

    @property
    def lan(self) -> str:
        return f"198.18.{15 + self.number}.0/24"

    def _host(self, number: int) -> str:
        return f"198.18.{15 + self.number}.{number}"

    @property
    def router(self) -> str:
        return self._host(1)

    @property
    def pi(self) -> str:
        return self._host(10)

    @property
    def laptop(self) -> str:
        return self._host(20)

    @property
    def unprotected(self) -> str:
        """The address of the services without passwords, the control of the access check."""
        return self._host(30)

    @property
    def machine(self) -> str:
        """The address on the LAN of the machine that runs the lab."""
        return self._host(254)

    @property
    def tunnel_address(self) -> str:
        """The household's address in the tunnel."""
        return f"10.66.0.{10 + self.number}"

    @property
    def tunnel_address_ipv6(self) -> str:
        return f"fd66::{10 + self.number}"

    @property
    def public_address(self) -> str:
        """The router's public address. Traffic of the VPN namespace must never come from it."""
        return f"198.18.0.{1 + self.number}"


PROVIDERS = (Provider(1), Provider(2))
HOUSEHOLDS = (LabHousehold(1), LabHousehold(2))
