# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: the two protocols of Transmission's RPC. Calls and answers by our names, to bytes and back.

The older one is understood from 3.00 to 4.1. From 4.1 on there is JSON-RPC 2.0, with other names; the daemon says
that it speaks it in a header of the answer with status 409, which begins every session.
"""

from __future__ import annotations

import json
import re
import typing as t

from .table import SETTINGS, TABLE
from .values import to_rpc

VERSION_HEADER = "X-Transmission-Rpc-Version"
# The first RPC version with JSON-RPC 2.0, which came with Transmission 4.1.
FIRST_JSON_RPC = 6
ID = 1

Values = dict[str, t.Any]


class Refused(Exception):
    """The daemon answered in its protocol, and did not do what it was asked; the text says why."""


class Protocol(t.Protocol):
    """What the client needs of either protocol. Names are ours; values go out in normal form, and come as they are."""

    def call(self, method: str, arguments: Values) -> bytes:
        """Return the body of a call."""

    def answer(self, body: bytes) -> Values:
        """Return what was answered; raise Refused for a no, and ValueError for what is no answer."""


class Bespoke:
    """The protocol of 3.00 and 4.0, which 4.1 still understands."""

    NAMES: t.ClassVar[dict[str, str]] = {setting.rpc: setting.name for setting in SETTINGS if setting.rpc}

    def call(self, method: str, arguments: Values) -> bytes:
        named = {TABLE[name].rpc: to_rpc(TABLE[name], value) for name, value in arguments.items()}
        return json.dumps({"method": method, "arguments": named}).encode()

    def answer(self, body: bytes) -> Values:
        content = json.loads(body)
        if not isinstance(content, dict) or "result" not in content:
            raise ValueError("it has no result")
        if content["result"] != "success":
            raise Refused(str(content["result"]))
        return {self.NAMES.get(name, name): value for name, value in _object(content.get("arguments", {})).items()}


class JsonRpc:
    """JSON-RPC 2.0, with names in snake_case."""

    NAMES: t.ClassVar[dict[str, str]] = {setting.in_json_rpc: setting.name for setting in SETTINGS if setting.rpc}

    def call(self, method: str, arguments: Values) -> bytes:
        named = {TABLE[name].in_json_rpc: to_rpc(TABLE[name], value, modern=True) for name, value in arguments.items()}
        content = {"jsonrpc": "2.0", "method": method.replace("-", "_"), "params": named, "id": ID}
        return json.dumps(content).encode()

    def answer(self, body: bytes) -> Values:
        content = json.loads(body)
        if not isinstance(content, dict) or content.get("jsonrpc") != "2.0":
            raise ValueError("it is not JSON-RPC 2.0")
        if "error" in content:
            raise Refused(_complaint(content["error"]))
        if content.get("id") != ID or "result" not in content:
            raise ValueError("it has no result for this call")
        found = _object(content["result"])
        return {self.NAMES.get(name, name.replace("_", "-")): value for name, value in found.items()}


def choose(version: str) -> Protocol:
    """Return the protocol for a daemon that says this of its RPC; the older one where it says nothing."""
    major = re.match(r"\d+", version)
    return JsonRpc() if major and int(major[0]) >= FIRST_JSON_RPC else Bespoke()


def _object(found: t.Any) -> Values:
    if not isinstance(found, dict):
        raise ValueError("what it says is not an object")
    return found


def _complaint(error: t.Any) -> str:
    """Return the most exact words in an error of JSON-RPC."""
    if not isinstance(error, dict):
        return str(error)
    data = error.get("data")
    detail = data.get("error_string") if isinstance(data, dict) else None
    return ": ".join(str(text) for text in (error.get("message"), detail) if text) or f"error {error.get('code')}"
