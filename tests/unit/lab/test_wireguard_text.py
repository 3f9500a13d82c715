# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sides of a provider's configuration fit each other."""

from __future__ import annotations

from topology import HOUSES, PROVIDERS
from wireguard import client_configuration, server_configuration


def test_the_household_gets_what_a_provider_hands_out() -> None:
    servers = {provider: f"SERVER-{provider.number}=" for provider in PROVIDERS}
    assert client_configuration(servers, HOUSES[0], "HOUSE-PRIVATE=", {PROVIDERS[1]: "SHARED="}) == (
        "[Interface]\n"
        "PrivateKey = HOUSE-PRIVATE=\n"
        "Address = 10.66.0.11/32, fd66::11/128\n"
        "DNS = 10.66.0.1\n"
        "\n[Peer]\nPublicKey = SERVER-1=\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 198.18.0.20:51820\n"
        "\n[Peer]\nPublicKey = SERVER-2=\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 198.18.0.21:51820\n"
        "PresharedKey = SHARED=\n"
    )


def test_the_server_knows_each_house_by_its_own_key_and_address() -> None:
    clients = {house: f"PUBLIC-{house.number}=" for house in HOUSES}
    assert server_configuration("SERVER-PRIVATE=", clients, {HOUSES[1]: "SHARED="}) == (
        "[Interface]\n"
        "PrivateKey = SERVER-PRIVATE=\n"
        "ListenPort = 51820\n"
        "\n[Peer]\nPublicKey = PUBLIC-1=\nAllowedIPs = 10.66.0.11/32, fd66::11/128\n"
        "\n[Peer]\nPublicKey = PUBLIC-2=\nAllowedIPs = 10.66.0.12/32, fd66::12/128\n"
        "PresharedKey = SHARED=\n"
    )
