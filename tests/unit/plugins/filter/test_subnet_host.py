# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.filter.subnet_host import subnet_host


@pytest.mark.parametrize(
    ("subnet", "number", "address"),
    [
        ("172.31.254.0/24", 1, "172.31.254.1"),
        ("172.31.254.64/26", 2, "172.31.254.66"),
        ("10.0.0.0/30", 3, "10.0.0.3"),
    ],
)
def test_counts_from_the_network_address(subnet: str, number: int, address: str) -> None:
    assert subnet_host(subnet, number) == address


@pytest.mark.parametrize(("subnet", "number"), [("10.0.0.0/30", 4), ("10.0.0.1/24", 1), ("home", 1), ("fd00::/64", 1)])
def test_subnet_without_the_address_is_named(subnet: str, number: int) -> None:
    with pytest.raises(AnsibleFilterError, match=subnet):
        subnet_host(subnet, number)
