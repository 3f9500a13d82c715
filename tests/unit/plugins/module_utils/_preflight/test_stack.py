# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports are checked for the services of the household only."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import (
    ALL,
    SETTINGS,
    TAKEN,
    found,
)


@pytest.mark.parametrize("name", ["transmission", "jackett", "jellyfin"])
def test_port_of_an_omitted_service_may_belong_to_another_program(name: str) -> None:
    ports: dict[str, int] = SETTINGS["mediaserver_ports"]
    taken = {"ports_listening": [{**TAKEN, "port": ports[name]}]}
    given = {"stack_services": [other for other in ALL if other != name]}
    assert [one["variable"] for one in found(taken)] == [f"mediaserver_ports.{name}"]
    assert found(taken, given) == []
    assert found(settings={**given, "mediaserver_ports": {**ports, name: "none"}}) == []


def test_port_of_a_single_service_may_be_set() -> None:
    assert found(settings={"mediaserver_ports": {"jackett": 19117}}) == []
    (problem,) = found(settings={"mediaserver_ports": {"jackett": 8096}})
    assert problem["problem"] == "port 8096 is used twice, by jackett and jellyfin"
