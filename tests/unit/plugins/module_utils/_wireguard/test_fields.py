# SPDX-License-Identifier: GPL-3.0-or-later
"""Normal form of a tunnel described by single fields, by the same rules as for a file."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.config import from_fields
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.draft import ConfigurationError
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._wireguard.samples import (
    MINIMAL_NORMAL,
    PRESHARED,
    PRIVATE,
    SECOND_SERVER,
    SERVER,
)

ENDPOINT: dict[str, Any] = {"host": "198.18.0.20", "port": 51820, "public_key": SERVER}
FIELDS: dict[str, Any] = {"private_key": PRIVATE, "addresses": ["10.66.0.2/32"], "dns": ["10.66.0.1"]}


def test_fields_have_the_normal_form_of_a_file() -> None:
    assert from_fields([ENDPOINT], **FIELDS) == MINIMAL_NORMAL


def test_private_key_may_be_generated_later() -> None:
    assert from_fields([ENDPOINT], **FIELDS | {"private_key": ""}) == MINIMAL_NORMAL | {"private_key": ""}


def test_endpoint_has_default_port_and_no_preshared_key() -> None:
    entry = {"host": "198.18.0.20", "public_key": f"{SERVER}\n", "preshared_key": None}
    assert from_fields([entry], **FIELDS) == MINIMAL_NORMAL


def test_all_fields_appear_in_the_normal_form() -> None:
    second = {
        "host": "vpn2.example.org",
        "port": "443",
        "public_key": SECOND_SERVER,
        "preshared_key": PRESHARED,
    }
    fields = FIELDS | {
        "addresses": ["fd00:66::2", "10.66.0.2"],
        "dns": ["10.66.0.1"],
        "mtu": 1380,
        "ipv6": True,
    }
    normal = from_fields([ENDPOINT, second], **fields)
    assert normal["mtu"] == 1380
    assert normal["addresses"] == ["10.66.0.2/32", "fd00:66::2/128"]
    assert [peer["allowed_ips"] for peer in normal["peers"]] == [["0.0.0.0/0", "::/0"]] * 2
    assert normal["peers"][1] | {"allowed_ips": []} == {
        "public_key": SECOND_SERVER,
        "preshared_key": PRESHARED,
        "host": "vpn2.example.org",
        "port": 443,
        "allowed_ips": [],
        "keepalive": 25,
    }


REFUSED: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "no endpoint": ([], {}, "gateway_endpoints: there is no server"),
    "no host": ([{"public_key": SERVER}], {}, "gateway_endpoints[0]: the peer has no endpoint"),
    "no public key": ([{"host": "a.example"}], {}, "gateway_endpoints[0]: the peer has no public key"),
    "unknown field": ([ENDPOINT | {"endpoint": "x"}], {}, "gateway_endpoints[0]: this is not a mapping with only"),
    "no mapping": (["198.18.0.20:51820"], {}, "gateway_endpoints[0]: this is not a mapping with only"),
    "bad port": ([ENDPOINT, ENDPOINT | {"port": 0}], {}, "gateway_endpoints[1].port: the port is not"),
    "bad host": (
        [ENDPOINT | {"host": "fd00::1"}],
        {},
        "gateway_endpoints[0].host: the endpoint is an IPv6 address",
    ),
    "bad public key": (
        [ENDPOINT | {"public_key": "x"}],
        {},
        "gateway_endpoints[0].public_key: the key is not",
    ),
    "bad private key": (
        [ENDPOINT],
        {"private_key": PRIVATE[1:]},
        "gateway_private_key: the key is not base64",
    ),
    "no address": ([ENDPOINT], {"addresses": []}, "gateway_addresses: the tunnel has no IPv4 address"),
    "bad address": (
        [ENDPOINT],
        {"addresses": ["10.0.0.1", "x"]},
        "gateway_addresses[1]: this is not a valid IP address",
    ),
    "no resolver": ([ENDPOINT], {"dns": []}, "gateway_dns: no resolver"),
    "bad resolver": ([ENDPOINT], {"dns": ["127.0.0.1"]}, "gateway_dns[0]: the resolver is loopback"),
    "bad MTU": ([ENDPOINT], {"mtu": 9000}, "gateway_mtu: the MTU is not a number"),
    "two keys of one endpoint": (
        [ENDPOINT, ENDPOINT | {"public_key": SECOND_SERVER}],
        {},
        "gateway_endpoints[1]: an earlier peer has the same endpoint",
    ),
}


@pytest.mark.parametrize(("endpoints", "fields", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_invalid_field_is_named_by_its_variable(endpoints: list[Any], fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_fields(endpoints, **FIELDS | fields)
    assert str(caught.value).startswith(expected)
