# SPDX-License-Identifier: GPL-3.0-or-later
"""Jackett: behind a password, inside the VPN, and its finds go where Transmission looks."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from typing import Any

import pytest
from contract import Household

pytestmark = [pytest.mark.service("jackett"), pytest.mark.evidence(containers=["jackett"])]
TIMEOUT_S = 10


@pytest.fixture(scope="module")
def settings(host: Any, house: Household) -> dict[str, Any]:
    path = f"{house['mediaserver_root']}/config/jackett/Jackett/ServerConfig.json"
    return dict(json.loads(host.file(path).content_string))


def page(house: Household) -> str:
    address = house.get("ansible_host", house["inventory_hostname"])
    return f"http://{address}:{house['mediaserver_ports']['jackett']}"


def lets_in(house: Household, password: str | None) -> bool:
    """Say whether a visitor with this password (None: with none) sees the configuration."""
    visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    visitor.open(f"{page(house)}/UI/Login", timeout=TIMEOUT_S).read()
    if password is not None:
        form = urllib.parse.urlencode({"password": password}).encode()
        visitor.open(f"{page(house)}/UI/Dashboard", form, timeout=TIMEOUT_S).read()
    ask = urllib.request.Request(
        f"{page(house)}/api/v2.0/server/config", headers={"X-Requested-With": "XMLHttpRequest"}
    )
    try:
        return "app_version" in json.load(visitor.open(ask, timeout=TIMEOUT_S))
    except urllib.error.HTTPError as error:
        assert error.code == 401, error
        return False


def test_it_answers_the_password_and_nothing_else(house: Household) -> None:
    assert lets_in(house, house["jackett_admin_password"])
    assert not lets_in(house, None)
    assert not lets_in(house, "wrong")


def test_its_finds_go_to_transmissions_watch_folder(host: Any, house: Household, settings: dict[str, Any]) -> None:
    assert settings["BlackholeDir"] == "/downloads/watch"
    marker = f"{house['mediaserver_downloads']}/watch/.contract"
    try:
        host.check_output(f"docker exec mediaserver-jackett-1 touch {settings['BlackholeDir']}/.contract")
        assert host.file(marker).exists
    finally:
        host.run(f"rm -f {marker}")


def test_only_its_account_sees_the_settings_and_no_plain_password_is_in_them(
    host: Any, house: Household, settings: dict[str, Any]
) -> None:
    folder = host.file(f"{house['mediaserver_root']}/config/jackett")
    account = (house["mediaserver_uid"], house["mediaserver_gid"])
    assert (folder.uid, folder.gid, oct(folder.mode)) == (*account, "0o700")
    assert len(settings["AdminPassword"]) == 128
    assert house["jackett_admin_password"] not in json.dumps(settings)
