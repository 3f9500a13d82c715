# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls Transmission over the network, so that no password is in the Pi's log of sudo commands."""

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
    household: Household,
    method: str = "session-get",
    arguments: dict[str, Any] | None = None,
    *,
    password: str | None,
) -> tuple[int, dict[str, Any]]:
    """Return the status and the answer's arguments; without credentials when ``password`` is None."""
    port = household["mediaserver_ports"]["transmission"]
    url = f"http://{household.get('ansible_host', household['inventory_hostname'])}:{port}/transmission/rpc"
    body = json.dumps({"method": method, "arguments": arguments or {}}).encode()
    headers = {}
    if password is not None:
        pair = base64.b64encode(f"{household['transmission_user']}:{password}".encode()).decode()
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


def session(
    household: Household, method: str = "session-get", arguments: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Call with the password. Raises AssertionError when the status is not 200."""
    status, answer = ask(household, method, arguments, password=household["transmission_password"])
    assert status == 200, f"{method} has returned status {status}"
    return answer
