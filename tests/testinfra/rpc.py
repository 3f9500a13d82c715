# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Transmission as a machine on the LAN does; nothing runs on the Pi, whose sudo notes every command."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

from contract import Household

TIMEOUT_S = 10
SESSION = "X-Transmission-Session-Id"


def ask(
    house: Household,
    method: str = "session-get",
    arguments: dict[str, Any] | None = None,
    *,
    password: str | None,
) -> tuple[int, dict[str, Any]]:
    """Return the status and the answer's arguments; ``password`` None sends no credentials at all."""
    port = house["mediaserver_ports"]["transmission"]
    url = f"http://{house.get('ansible_host', house['inventory_hostname'])}:{port}/transmission/rpc"
    body = json.dumps({"method": method, "arguments": arguments or {}}).encode()
    headers = {}
    if password is not None:
        pair = base64.b64encode(f"{house['transmission_user']}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    for _round in range(2):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=TIMEOUT_S) as answer:
                return answer.status, json.load(answer).get("arguments", {})
        except urllib.error.HTTPError as error:
            if error.code != 409:
                return error.code, {}
            headers[SESSION] = error.headers[SESSION]
    raise AssertionError("Transmission asked for a session id twice")


def session(house: Household, method: str = "session-get", arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask with the password; fails unless it is let in."""
    status, answer = ask(house, method, arguments, password=house["transmission_password"])
    assert status == 200, f"{method} was answered with status {status}"
    return answer
