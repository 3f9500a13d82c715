# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mediaserver_lan, compared with the host's own networks."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import found


@pytest.mark.parametrize("lan", [["192.168.2.0/24"], ["10.0.0.0/8", "192.168.0.0/24"], []])
def test_lan_without_the_hosts_own_networks_is_a_warning(lan: list[str]) -> None:
    (notice,) = found(settings={"mediaserver_lan": lan})
    assert (notice["level"], notice["variable"]) == ("warning", "mediaserver_lan")
    assert "192.168.1.0/24 on end0" in notice["problem"]
    assert "add the network of your LAN" in notice["remedy"]


@pytest.mark.parametrize("lan", [["192.168.0.0/16"], ["192.168.1.128/25"], ["10.0.0.0/8", "192.168.1.0/24"]])
def test_overlap_with_one_of_the_hosts_networks_is_accepted(lan: list[str]) -> None:
    assert found(settings={"mediaserver_lan": lan}) == []
    assert found({"networks": []}, {"mediaserver_lan": lan}) == []


def test_public_network_is_accepted_only_if_it_is_the_hosts() -> None:
    own = {"networks": [{"interface": "eth0", "cidr": "8.8.4.0/22"}]}
    assert found(own, {"mediaserver_lan": ["8.8.4.0/22", "100.64.0.0/10"]}) == []
    (notice,) = found(own, {"mediaserver_lan": ["8.8.4.0/22", "9.9.9.0/24"]})
    assert (notice["level"], notice["variable"]) == ("warning", "mediaserver_lan")
    assert "9.9.9.0/24 opens the web interfaces to 256 addresses of the internet" in notice["problem"]
