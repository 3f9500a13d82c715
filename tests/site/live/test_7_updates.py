# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver updates`` on a Pi, with the lab's registry, which is a real one."""

from __future__ import annotations

import json
from typing import Any

import pytest
import topology
from contract import Household


def answer(host: Any, arguments: str = "") -> tuple[int, dict[str, Any]]:
    done = host.run(f"mediaserver updates --json {arguments}")
    return done.rc, json.loads(done.stdout)


def test_every_image_of_the_lab_is_the_one_that_the_registry_has(host: Any) -> None:
    code, found = answer(host)
    assert {one["news"] for one in found["images"]} == {"current"}, found
    assert code == 0
    services = [service for one in found["images"] for service in one["services"]]
    assert sorted(services) == ["jackett", "jellyfin", "transmission", "vpn", "wireguard"]


def test_the_result_is_stored_for_every_account(host: Any, household: Household) -> None:
    code, found = answer(host)
    stored = host.run(f"runuser -u {household['mediaserver_user']} -- mediaserver updates --json --stored")
    assert (stored.rc, json.loads(stored.stdout)) == (code, found)


@pytest.mark.faults
def test_a_registry_that_is_gone_is_unknown(host: Any) -> None:
    host.check_output(f"ip route add blackhole {topology.REGISTRY}/32")
    try:
        code, found = answer(host)
    finally:
        host.check_output(f"ip route delete blackhole {topology.REGISTRY}/32")
    assert {one["news"] for one in found["images"]} == {"unknown"}
    assert code == 3
    assert answer(host)[0] == 0
