# SPDX-License-Identifier: GPL-3.0-or-later
"""The WireGuard filters: their interface to Ansible, and their errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.filter import (
    gateway_endpoints_config,
    wireguard_config,
    wireguard_public_key,
)
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.values import public_key
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._wireguard.samples import (
    MINIMAL,
    MINIMAL_NORMAL,
    PRIVATE,
    SERVER,
)


def filters() -> dict[str, Callable[..., Any]]:
    plugins = (wireguard_config, gateway_endpoints_config, wireguard_public_key)
    return {name: call for plugin in plugins for name, call in plugin.FilterModule().filters().items()}


def test_provider_file_is_normalised() -> None:
    assert filters()["wireguard_config"](MINIMAL, ipv6=False, dns=[]) == MINIMAL_NORMAL


def test_single_fields_are_normalised() -> None:
    endpoint = {"host": "198.18.0.20", "port": 51820, "public_key": SERVER}
    assert (
        filters()["gateway_endpoints_config"](
            [endpoint], private_key=PRIVATE, addresses=["10.66.0.2"], dns=["10.66.0.1"], mtu=0, ipv6=False
        )
        == MINIMAL_NORMAL
    )


def test_public_key_matches_expected_value() -> None:
    assert filters()["wireguard_public_key"](f"{PRIVATE}\n") == public_key(PRIVATE)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("wireguard_config", MINIMAL.replace(SERVER, "x"), "^gateway_provider_config, line 7: PublicKey: "),
        ("wireguard_config", {"Interface": {}}, "^gateway_provider_config: the value is not a text"),
        ("gateway_endpoints_config", [{"host": "a"}], "^gateway_addresses: "),
        ("wireguard_public_key", PRIVATE[:-1], "^wireguard_public_key: the key is not base64"),
        ("wireguard_public_key", None, "^wireguard_public_key: the value is not a text"),
    ],
)
def test_filter_errors_show_no_key(name: str, value: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message) as caught:
        filters()[name](value)
    assert PRIVATE[:-1] not in str(caught.value)
