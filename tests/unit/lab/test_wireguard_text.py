# SPDX-License-Identifier: GPL-3.0-or-later
"""The WireGuard configurations of the provider's servers and of a household match."""

from __future__ import annotations

from topology import HOUSEHOLDS, PROVIDERS
from wireguard import client_configuration, server_configuration


def test_client_configuration() -> None:
    servers = {provider: f"SERVER-{provider.number}=" for provider in PROVIDERS}
    assert client_configuration(servers, HOUSEHOLDS[0], "CLIENT-PRIVATE=", {PROVIDERS[1]: "SHARED="}) == (
        "[Interface]\n"
        "PrivateKey = CLIENT-PRIVATE=\n"
        "Address = 10.66.0.11/32, fd66::11/128\n"
        "DNS = 10.66.0.1\n"
        "\n[Peer]\nPublicKey = SERVER-1=\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 198.18.0.20:51820\n"
        "\n[Peer]\nPublicKey = SERVER-2=\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 198.18.0.21:51820\n"
        "PresharedKey = SHARED=\n"
    )


def test_server_configuration() -> None:
    clients = {household: f"PUBLIC-{household.number}=" for household in HOUSEHOLDS}
    assert server_configuration("SERVER-PRIVATE=", clients, {HOUSEHOLDS[1]: "SHARED="}) == (
        "[Interface]\n"
        "PrivateKey = SERVER-PRIVATE=\n"
        "ListenPort = 51820\n"
        "\n[Peer]\nPublicKey = PUBLIC-1=\nAllowedIPs = 10.66.0.11/32, fd66::11/128\n"
        "\n[Peer]\nPublicKey = PUBLIC-2=\nAllowedIPs = 10.66.0.12/32, fd66::12/128\n"
        "PresharedKey = SHARED=\n"
    )
