# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmission: password, binding to the tunnel, local discovery off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract import Household
from rpc import ask, session

pytestmark = [pytest.mark.service("transmission"), pytest.mark.evidence(containers=["transmission"])]


@pytest.fixture(scope="module")
def settings_file(host: Any, household: Household) -> Any:
    return host.file(f"{household['mediaserver_root']}/config/transmission/settings.json")


def test_requires_password(household: Household) -> None:
    assert ask(household, password=household["transmission_password"])[0] == 200
    assert ask(household, password=None)[0] == 401
    assert ask(household, password="wrong")[0] == 401


def test_settings_are_private_and_have_no_plain_password(host: Any, household: Household, settings_file: Any) -> None:
    # Transmission writes the file with a mode by its umask, so the folder must be private.
    folder = host.file(f"{household['mediaserver_root']}/config/transmission")
    account = (household["mediaserver_uid"], household["mediaserver_gid"])
    assert (folder.uid, folder.gid, oct(folder.mode)) == (*account, "0o700")
    settings = json.loads(settings_file.content_string)
    assert settings["rpc-authentication-required"] is True
    assert settings["rpc-username"] == household["transmission_user"]
    assert settings["rpc-password"].startswith("{")


def test_is_bound_to_tunnel_address(host: Any, settings_file: Any) -> None:
    address = json.loads(settings_file.content_string)["bind-address-ipv4"]
    assert f"inet {address}/" in host.check_output(
        "docker exec mediaserver-wireguard-1 ip -4 -oneline address show dev wg0"
    )


def test_local_discovery_is_off(household: Household) -> None:
    found = session(household)
    assert {name: found[name] for name in ("lpd-enabled", "port-forwarding-enabled", "download-dir")} == {
        "lpd-enabled": False,
        "port-forwarding-enabled": False,
        "download-dir": "/downloads/complete",
    }
