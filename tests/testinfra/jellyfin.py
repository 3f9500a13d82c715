# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Jellyfin as a machine on the LAN does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from contract import Household

TIMEOUT_S = 20
PROGRAM = 'Client="contract", Device="contract", DeviceId="household-contract", Version="1"'


def ask(house: Household, path: str, *, token: str = "", body: Any = None) -> tuple[int, Any]:
    """Return status and JSON, asked as a machine on the LAN does."""
    address = house.get("ansible_host", house["inventory_hostname"])
    login = f"MediaBrowser {f'Token={token}, ' if token else ''}{PROGRAM}"
    question = urllib.request.Request(
        f"http://{address}:{house['mediaserver_ports']['jellyfin']}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": login, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(question, timeout=TIMEOUT_S) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, None


def log_in(house: Household, user: str, password: str) -> tuple[int, Any]:
    return ask(house, "/Users/AuthenticateByName", body={"Username": user, "Pw": password})


def administrators_token(house: Household) -> str:
    """Log in as the household's administrator; fails unless that is possible."""
    status, answer = log_in(house, house["jellyfin_admin_user"], house["jellyfin_admin_password"])
    assert status == 200, f"the administrator's login was answered with status {status}"
    return str(answer["AccessToken"])
