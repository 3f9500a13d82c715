# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmission: locked from the first second, bound to the tunnel, and not talkative."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract import Household
from rpc import ask, session

pytestmark = [pytest.mark.service("transmission"), pytest.mark.evidence(containers=["transmission"])]


@pytest.fixture(scope="module")
def settings_file(host: Any, house: Household) -> Any:
    return host.file(f"{house['mediaserver_root']}/config/transmission/settings.json")


def test_it_answers_the_password_and_nothing_else(house: Household) -> None:
    assert ask(house, password=house["transmission_password"])[0] == 200
    assert ask(house, password=None)[0] == 401
    assert ask(house, password="wrong")[0] == 401


def test_only_its_account_sees_the_settings_and_no_plain_password_is_in_them(
    host: Any, house: Household, settings_file: Any
) -> None:
    # Transmission itself writes the file with the mode that its umask leaves; the folder keeps others out.
    folder = host.file(f"{house['mediaserver_root']}/config/transmission")
    account = (house["mediaserver_uid"], house["mediaserver_gid"])
    assert (folder.uid, folder.gid, oct(folder.mode)) == (*account, "0o700")
    settings = json.loads(settings_file.content_string)
    assert settings["rpc-authentication-required"] is True
    assert settings["rpc-username"] == house["transmission_user"]
    assert settings["rpc-password"].startswith("{")


def test_it_is_bound_to_the_tunnel(host: Any, settings_file: Any) -> None:
    address = json.loads(settings_file.content_string)["bind-address-ipv4"]
    assert f"inet {address}/" in host.check_output(
        "docker exec mediaserver-wireguard-1 ip -4 -oneline address show dev wg0"
    )


def test_it_tells_no_neighbour(house: Household) -> None:
    found = session(house)
    assert {name: found[name] for name in ("lpd-enabled", "port-forwarding-enabled", "download-dir")} == {
        "lpd-enabled": False,
        "port-forwarding-enabled": False,
        "download-dir": "/downloads/complete",
    }
