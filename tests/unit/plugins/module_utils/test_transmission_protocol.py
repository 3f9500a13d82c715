# SPDX-License-Identifier: GPL-3.0-or-later
"""The two protocols: the same call in both, and answers that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import RpcRefused
from ansible_collections.household.mediaserver.plugins.module_utils._transmission import protocol
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import SETTINGS, TABLE
from hypothesis import given
from hypothesis import strategies as st

BOTH = [protocol.Bespoke(), protocol.JsonRpc()]
OLD, NEW = BOTH
VALUES = {"cache-size-mb": 4, "encryption": 0, "ratio-limit": 2.0, "ratio-limit-enabled": True, "dht-enabled": False}


def test_the_same_call_in_both() -> None:
    assert json.loads(OLD.call("session-set", VALUES)) == {
        "method": "session-set",
        "arguments": {
            "cache-size-mb": 4,
            "encryption": "tolerated",
            "seedRatioLimit": 2.0,
            "seedRatioLimited": True,
            "dht-enabled": False,
        },
    }
    assert json.loads(NEW.call("session-set", VALUES)) == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "session_set",
        "params": {
            "cache_size_mib": 4,
            "encryption": "allowed",
            "seed_ratio_limit": 2.0,
            "seed_ratio_limited": True,
            "dht_enabled": False,
        },
    }


@given(st.sampled_from([setting for setting in SETTINGS if setting.rpc]), st.integers(0, 1))
def test_what_goes_out_under_a_name_comes_back_under_it(setting: Any, value: int) -> None:
    for one, arguments, wrap in (
        (OLD, "arguments", lambda found: {"result": "success", "arguments": found}),
        (NEW, "params", lambda found: {"jsonrpc": "2.0", "id": 1, "result": found}),
    ):
        sent = json.loads(one.call("session-set", {setting.name: value}))[arguments]
        assert list(one.answer(json.dumps(wrap(sent)).encode())) == [setting.name]


def test_other_names_are_in_kebab_case() -> None:
    told = {"jsonrpc": "2.0", "id": 1, "result": {"rpc_version_semver": "6.0.1", "tcp_enabled": True}}
    assert NEW.answer(json.dumps(told).encode()) == {"rpc-version-semver": "6.0.1", "tcp-enabled": True}


@pytest.mark.parametrize(
    ("one", "content", "text"),
    [
        (OLD, {"result": "no method name", "arguments": {}}, "no method name"),
        (
            NEW,
            {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}},
            "^Method not found$",
        ),
        (
            NEW,
            {
                "jsonrpc": "2.0",
                "id": 1,
                "error": {"code": -32602, "message": "Invalid params", "data": {"error_string": "must be one of"}},
            },
            "^Invalid params: must be one of$",
        ),
        (NEW, {"jsonrpc": "2.0", "error": {"code": 7, "data": "x"}}, "^error 7$"),
        (NEW, {"jsonrpc": "2.0", "error": "broken"}, "^broken$"),
    ],
)
def test_a_no_is_passed_on_in_the_daemons_words(one: Any, content: Any, text: str) -> None:
    with pytest.raises(RpcRefused, match=text):
        one.answer(json.dumps(content).encode())


@pytest.mark.parametrize("one", BOTH, ids=["bespoke", "json-rpc"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[1]",
        b"{}",
        b'{"result": ',
        b'{"result": "success", "arguments": 7}',
        b'{"jsonrpc": "2.0", "id": 1, "result": 7}',
        b'{"jsonrpc": "2.0", "id": 2, "resulT": {}}',
        b'{"jsonrpc": "1.0", "id": 1, "arguments": {}}',
    ],
)
def test_what_is_no_answer_is_never_taken_for_one(one: Any, body: bytes) -> None:
    with pytest.raises((ValueError, RpcRefused)):
        one.answer(body)


def test_an_answer_to_another_call_is_none() -> None:
    with pytest.raises(ValueError, match="for this call"):
        NEW.answer(b'{"jsonrpc": "2.0", "id": 2, "result": {}}')


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("6.0.0", protocol.JsonRpc),
        ("6.0.1", protocol.JsonRpc),
        ("10.1.0", protocol.JsonRpc),
        ("5.4.0", protocol.Bespoke),
        ("", protocol.Bespoke),
        ("new", protocol.Bespoke),
    ],
)
def test_the_header_chooses(version: str, kind: type) -> None:
    assert type(protocol.choose(version)) is kind


def test_names_of_the_newer_protocol() -> None:
    assert TABLE["cache-size-mb"].in_json_rpc == "cache_size_mib"
    assert TABLE["ratio-limit-enabled"].in_json_rpc == "seed_ratio_limited"
    assert TABLE["speed-limit-up"].in_json_rpc == "speed_limit_up"
