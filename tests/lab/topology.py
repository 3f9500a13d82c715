# SPDX-License-Identifier: GPL-3.0-or-later
"""Who lives where. Addresses are from 198.18.0.0/15, set aside for tests by RFC 2544; tunnels have 10/8."""

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
# At home inside a Pi, never to be seen outside: gateway_subnet's default, and the leak test's control.
VPN, CONTROL = "172.31.254.0/24", "172.31.253.0/24"
# IPv6 inside the tunnel (RFC 4193); outside of it the lab has none.
TUNNEL_IPV6 = "fd66::/64"
SERVER_IPV6 = "fd66::1"


@dataclass(frozen=True)
class Provider:
    """One WireGuard server; its address is also where its clients leave to the internet.

    Inside, all servers of the provider are alike: a household keeps its address and resolver when it changes server,
    and only its forwarded port becomes another.
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
        """The first of the ports that it forwards: no two servers have one in common, so that a change is seen."""
        return 30000 + 10000 * self.number


@dataclass(frozen=True)
class House:
    """One household: a router, a Pi and a laptop on a LAN of their own."""

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
    def unclaimed(self) -> str:
        """Where services are put that are nobody's, for the test of the visitor himself."""
        return self._host(30)

    @property
    def machine(self) -> str:
        """The address at which the machine that runs the lab is itself on the LAN."""
        return self._host(254)

    @property
    def in_tunnel(self) -> str:
        """The household's address in the provider's network."""
        return f"10.66.0.{10 + self.number}"

    @property
    def in_tunnel_ipv6(self) -> str:
        return f"fd66::{10 + self.number}"

    @property
    def exit(self) -> str:
        """The house's own address on the internet: what must never be seen there."""
        return f"198.18.0.{1 + self.number}"


PROVIDERS = (Provider(1), Provider(2))
HOUSES = (House(1), House(2))
