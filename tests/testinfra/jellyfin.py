# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls Jellyfin over the network, like a client on the LAN."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from contract import Household

TIMEOUT_S = 20
PROGRAM = 'Client="contract", Device="contract", DeviceId="household-contract", Version="1"'


def ask(household: Household, path: str, *, token: str = "", body: Any = None) -> tuple[int, Any]:
    """Send a request; return status and JSON."""
    address = household.get("ansible_host", household["inventory_hostname"])
    login = f"MediaBrowser {f'Token={token}, ' if token else ''}{PROGRAM}"
    request = urllib.request.Request(
        f"http://{address}:{household['mediaserver_ports']['jellyfin']}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": login, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, None


def log_in(household: Household, user: str, password: str) -> tuple[int, Any]:
    return ask(household, "/Users/AuthenticateByName", body={"Username": user, "Pw": password})


def administrators_token(household: Household) -> str:
    """Log in as the household's administrator; return the token. Raises AssertionError when the login fails."""
    status, answer = log_in(household, household["jellyfin_admin_user"], household["jellyfin_admin_password"])
    assert status == 200, f"the administrator's login has returned status {status}"
    return str(answer["AccessToken"])
