# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: the two protocols of Transmission's RPC. Calls and answers by our names, to bytes and back.

Settings have the names of table.py. Fields of a torrent, in nested objects too, have those of the older protocol, in
camelCase (rpc-spec.md of Transmission 4.0.6, section 3.3).

The older one is understood from 3.00 to 4.1. From 4.1 on there is JSON-RPC 2.0, with other names; the daemon says
that it supports it in a header of the answer with status 409, which begins every session.
"""

from __future__ import annotations

import json
import re
import typing as t

from .._core.errors import RpcRefused
from .table import SETTINGS, TABLE
from .values import to_rpc

VERSION_HEADER = "X-Transmission-Rpc-Version"
# The first RPC version with JSON-RPC 2.0, which came with Transmission 4.1.
FIRST_JSON_RPC = 6
ID = 1
# Of torrent-get: the argument that names what is asked for, and what is answered.
FIELDS, TORRENTS = "fields", "torrents"

Values = dict[str, t.Any]


class Protocol(t.Protocol):
    """What the client needs of either protocol. Settings go out in normal form, and come as they are."""

    def call(self, method: str, arguments: Values) -> bytes:
        """Return the body of a call."""

    def answer(self, body: bytes) -> Values:
        """Return what was answered; raise RpcRefused for a no, and ValueError for what is no answer."""


class Bespoke:
    """The protocol of 3.00 and 4.0, which 4.1 still understands."""

    NAMES: t.ClassVar[dict[str, str]] = {setting.rpc: setting.name for setting in SETTINGS if setting.rpc}

    def call(self, method: str, arguments: Values) -> bytes:
        named = dict(self._argument(name, value) for name, value in arguments.items())
        return json.dumps({"method": method, "arguments": named}).encode()

    def answer(self, body: bytes) -> Values:
        content = json.loads(body)
        if not isinstance(content, dict) or "result" not in content:
            raise ValueError("it has no result")
        if content["result"] != "success":
            raise RpcRefused(str(content["result"]))
        return {self.NAMES.get(name, name): value for name, value in _object(content.get("arguments", {})).items()}

    @staticmethod
    def _argument(name: str, value: t.Any) -> tuple[str, t.Any]:
        setting = TABLE.get(name)
        return (setting.rpc, to_rpc(setting, value)) if setting else (name, value)


class JsonRpc:
    """JSON-RPC 2.0, with names in snake_case."""

    NAMES: t.ClassVar[dict[str, str]] = {setting.in_json_rpc: setting.name for setting in SETTINGS if setting.rpc}

    def call(self, method: str, arguments: Values) -> bytes:
        named = dict(self._argument(name, value) for name, value in arguments.items())
        content = {"jsonrpc": "2.0", "method": method.replace("-", "_"), "params": named, "id": ID}
        return json.dumps(content).encode()

    def answer(self, body: bytes) -> Values:
        content = json.loads(body)
        if not isinstance(content, dict) or content.get("jsonrpc") != "2.0":
            raise ValueError("it is not JSON-RPC 2.0")
        if "error" in content:
            raise RpcRefused(_complaint(content["error"]))
        if content.get("id") != ID or "result" not in content:
            raise ValueError("it has no result for this call")
        found = _object(content["result"])
        return {
            self.NAMES.get(name, name.replace("_", "-")): _camel(value) if name == TORRENTS else value
            for name, value in found.items()
        }

    @staticmethod
    def _argument(name: str, value: t.Any) -> tuple[str, t.Any]:
        setting = TABLE.get(name)
        if setting:
            return setting.in_json_rpc, to_rpc(setting, value, modern=True)
        return _snake(name.replace("-", "_")), [_snake(field) for field in value] if name == FIELDS else value


def choose(version: str) -> Protocol:
    """Return the protocol for a daemon that says this of its RPC; the older one where it says nothing."""
    major = re.match(r"\d+", version)
    return JsonRpc() if major and int(major[0]) >= FIRST_JSON_RPC else Bespoke()


def _object(found: t.Any) -> Values:
    if not isinstance(found, dict):
        raise ValueError("what it says is not an object")
    return found


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def _camel(value: t.Any) -> t.Any:
    """Return a value with the names of all its objects in camelCase."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if isinstance(value, dict):
        return {re.sub("_(.)", lambda found: found[1].upper(), name): _camel(one) for name, one in value.items()}
    return value


def _complaint(error: t.Any) -> str:
    """Return the most exact words in an error of JSON-RPC."""
    if not isinstance(error, dict):
        return str(error)
    data = error.get("data")
    detail = data.get("error_string") if isinstance(data, dict) else None
    return ": ".join(str(text) for text in (error.get("message"), detail) if text) or f"error {error.get('code')}"
