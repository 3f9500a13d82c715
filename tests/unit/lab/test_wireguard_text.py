# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sides of a provider's configuration fit each other."""

from __future__ import annotations

import configparser

from topology import HOUSES, PROVIDERS
from wireguard import client_configuration, server_configuration


def test_the_household_gets_what_a_provider_hands_out() -> None:
    text = client_configuration(PROVIDERS[0], "SERVER-PUBLIC=", HOUSES[0], "HOUSE-PRIVATE=")
    parsed = configparser.ConfigParser()
    parsed.read_string(text)
    assert {section: dict(parsed[section]) for section in parsed.sections()} == {
        "Interface": {"privatekey": "HOUSE-PRIVATE=", "address": "10.66.0.11/32", "dns": "10.66.0.1"},
        "Peer": {
            "publickey": "SERVER-PUBLIC=",
            "allowedips": "0.0.0.0/0, ::/0",
            "endpoint": "198.18.0.20:51820",
        },
    }


def test_the_server_knows_each_house_by_its_own_key_and_address() -> None:
    clients = {house: f"PUBLIC-{house.number}=" for house in HOUSES}
    assert server_configuration(PROVIDERS[1], "SERVER-PRIVATE=", clients) == (
        "[Interface]\n"
        "PrivateKey = SERVER-PRIVATE=\n"
        "ListenPort = 51820\n"
        "\n[Peer]\nPublicKey = PUBLIC-1=\nAllowedIPs = 10.67.0.11/32\n"
        "\n[Peer]\nPublicKey = PUBLIC-2=\nAllowedIPs = 10.67.0.12/32\n"
    )
