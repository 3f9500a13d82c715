# SPDX-License-Identifier: GPL-3.0-or-later
"""Jackett: password, settings, and the blackhole in Transmission's watch folder."""

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
def settings(host: Any, household: Household) -> dict[str, Any]:
    path = f"{household['mediaserver_root']}/config/jackett/Jackett/ServerConfig.json"
    return dict(json.loads(host.file(path).content_string))


def page(household: Household) -> str:
    address = household.get("ansible_host", household["inventory_hostname"])
    return f"http://{address}:{household['mediaserver_ports']['jackett']}"


def accepts(household: Household, password: str | None) -> bool:
    """Return whether a client with this password (None: without one) can read the configuration."""
    client = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    client.open(f"{page(household)}/UI/Login", timeout=TIMEOUT_S).read()
    if password is not None:
        form = urllib.parse.urlencode({"password": password}).encode()
        client.open(f"{page(household)}/UI/Dashboard", form, timeout=TIMEOUT_S).read()
    ask = urllib.request.Request(
        f"{page(household)}/api/v2.0/server/config", headers={"X-Requested-With": "XMLHttpRequest"}
    )
    try:
        return "app_version" in json.load(client.open(ask, timeout=TIMEOUT_S))
    except urllib.error.HTTPError as error:
        assert error.code == 401, error
        return False


def test_requires_password(household: Household) -> None:
    assert accepts(household, household["jackett_admin_password"])
    assert not accepts(household, None)
    assert not accepts(household, "wrong")


def test_blackhole_is_transmissions_watch_folder(host: Any, household: Household, settings: dict[str, Any]) -> None:
    assert settings["BlackholeDir"] == "/downloads/watch"
    marker = f"{household['mediaserver_downloads']}/watch/.contract"
    try:
        host.check_output(f"docker exec mediaserver-jackett-1 touch {settings['BlackholeDir']}/.contract")
        assert host.file(marker).exists
    finally:
        host.run(f"rm -f {marker}")


def test_settings_are_private_and_have_no_plain_password(
    host: Any, household: Household, settings: dict[str, Any]
) -> None:
    folder = host.file(f"{household['mediaserver_root']}/config/jackett")
    account = (household["mediaserver_uid"], household["mediaserver_gid"])
    assert (folder.uid, folder.gid, oct(folder.mode)) == (*account, "0o700")
    assert len(settings["AdminPassword"]) == 128
    assert household["jackett_admin_password"] not in json.dumps(settings)
