# SPDX-License-Identifier: GPL-3.0-or-later
"""Behaviour of Jackett that no single recording has: lenient parsing, and the key ring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jackett_double import Server, command_line
from jackett_double.config_file import FIELDS, parse, render
from jackett_double.protection import Protection, Unknown

NEW = {name: default for name, _, default in FIELDS}


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        (b'{"port": "9118"}', "Port", 9118),
        (b'{"Port": 1, "PORT": 2}', "Port", 2),
        (b'{"AllowExternal": "False"}', "AllowExternal", False),
        (b'{"AllowExternal": 0}', "AllowExternal", False),
        (b'{"APIKey": 12}', "APIKey", "12"),
        (b'{"ProxyType": "Socks5"}', "ProxyType", 2),
        (b'{"ProxyPort": null}', "ProxyPort", None),
        (b'{"APIKey": "a//b, }" /* why */, }', "APIKey", "a//b, }"),
        (b'\xef\xbb\xbf{"Port": 5}', "Port", 5),
        (b"{}", "Port", 9117),
    ],
)
def test_accepts_lenient_json(text: bytes, field: str, value: Any) -> None:
    assert parse(text)[field] == value


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"null", b"[]", b"{", b'{"Port": 9117', b'{"Port": null}', b'{"Port": true}', b'{"Port": 99999999999}'),
        *(b'{"AllowExternal": "yes"}', b'{"AllowExternal": null}', b'{"APIKey": {}}', b'{"CacheTtl": []}'),
    ],
)
def test_rejects_invalid_settings(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "ServerConfig.json").write_bytes(text)
    with Server(tmp_path, port=0) as server:
        assert server.config["AllowExternal"] is True
        assert server.config["AdminPassword"] is None
        assert len(server.config["APIKey"]) == 32


@given(st.text(), st.integers(-(2**31) + 1, 2**31 - 1), st.booleans())
def test_reads_what_it_writes(text: str, number: int, flag: bool) -> None:
    text = text.encode("utf-8", "replace").decode()
    config = {**NEW, "BlackholeDir": text, "Port": number, "AllowCORS": flag}
    assert parse(render(config).encode()) == config


@given(st.binary(), st.text(st.characters(codec="ascii"), min_size=1))
def test_token_is_bound_to_purpose_and_key_ring(tmp_path_factory: Any, plain: bytes, purpose: str) -> None:
    ring, other = (Protection(tmp_path_factory.mktemp("keys")) for _ in range(2))
    token = ring.protect(purpose, plain)
    assert ring.unprotect(purpose, token) == plain
    for keys, what, changed in ((other, purpose, token), (ring, f"{purpose}x", token), (ring, purpose, token[:-4])):
        with pytest.raises(Unknown):
            keys.unprotect(what, changed)


@given(st.text())
def test_random_text_is_not_a_token(tmp_path_factory: Any, token: str) -> None:
    with pytest.raises(Unknown):
        Protection(tmp_path_factory.mktemp("keys")).unprotect("session", token)


@given(st.lists(st.sampled_from(["--NoUpdates", "-p", "9131", "--ListenPublic", "x", "-t", "--Port=1", "-d", "/a"])))
def test_parses_command_line(arguments: list[str]) -> None:
    try:
        options = command_line.read(arguments)
    except command_line.Refused as refused:
        assert any(words in str(refused) for words in ("defined multiple times", "bad format"))
    else:
        assert (options.public is True) is ("--ListenPublic" in arguments)
