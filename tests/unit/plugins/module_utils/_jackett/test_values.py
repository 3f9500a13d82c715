# SPDX-License-Identifier: GPL-3.0-or-later
"""Single values of ServerConfig.json: wanted values, and stored values as Jackett reads them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._jackett import values
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.table import SETTINGS, TABLE
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jackett.doubles import FIRST
from hypothesis import given
from hypothesis import strategies as st

SHARED = Path(os.environ.get("MEDIASERVER_SHARED") or Path(__file__).resolve().parents[6] / "shared")
RECORDED = SHARED / "jackett" / "recorded" / "0.24.2440"

ACCEPTED: list[tuple[str, Any, Any]] = [
    ("Port", "9117", 9117),
    ("Port", 1, 1),
    ("Port", 65535.0, 65535),
    ("LocalBindAddress", "127.0.0.2", "127.0.0.2"),
    ("LocalBindAddress", "::1", "::1"),
    ("AllowExternal", "yes", True),
    ("AllowCORS", "False", False),
    ("BlackholeDir", "/downloads//watch/", "/downloads/watch"),
    ("BlackholeDir", "", None),
    ("BasePathOverride", "/jackett/", "/jackett"),
    ("BasePathOverride", "/", None),
    ("BaseUrlOverride", "http://jackett:9117", "http://jackett:9117"),
    ("CacheTtl", 2**40, 2**40),
    ("FlareSolverrUrl", "http://127.0.0.1:8191", "http://127.0.0.1:8191"),
    ("FlareSolverrMaxTimeout", 5001, 5001),
    ("OmdbApiKey", 1234, "1234"),
    ("ProxyType", "Socks5", 2),
    ("ProxyType", -1, -1),
    ("ProxyType", "disabled", -1),
    ("ProxyUrl", "10.0.0.1", "10.0.0.1"),
    ("ProxyPort", "", None),
    ("ProxyPassword", "p w ü", "p w ü"),
]
REFUSED: list[tuple[str, Any, str]] = [
    ("Port", 0, "from 1 to 65535, not 0"),
    ("Port", 70000, "from 1 to 65535"),
    ("Port", "abc", "a whole number"),
    ("Port", True, "a whole number"),
    ("Port", "", "a whole number"),
    ("Port", 9117.5, "a whole number"),
    ("LocalBindAddress", "192.168.1.5", "a loopback address"),
    ("LocalBindAddress", "localhost", "a loopback address"),
    ("LocalBindAddress", "", "a loopback address"),
    ("AllowExternal", "perhaps", "true or false"),
    ("AllowExternal", None, "true or false"),
    ("BlackholeDir", "downloads", "an absolute path"),
    ("BlackholeDir", "/a\nb", "an absolute path"),
    ("BasePathOverride", "jackett", "begins with /"),
    ("BaseUrlOverride", "not a url", "http or https"),
    ("FlareSolverrUrl", "127.0.0.1:8191", "http or https"),
    ("FlareSolverrMaxTimeout", 100, "from 5001 (milliseconds)"),
    ("CacheTtl", 0, "from 1 (seconds)"),
    ("CacheTtl", 2**63, "from 1"),
    ("FlareSolverrMaxTimeout", 2**31, "from 5001"),
    ("ProxyType", 7, "disabled (-1), http (0), socks4 (1), socks5 (2)"),
    ("ProxyType", True, "one of"),
    ("ProxyUrl", "user:secret@10.0.0.1", "in their own fields"),
    ("ProxyUrl", "http://10.0.0.1", "a host name"),
    ("ProxyPort", 70000, "or empty text"),
    ("OmdbApiUrl", ["x"], "http or https"),
]
READ: list[tuple[str, Any, Any]] = [
    ("Port", "9117", 9117),
    ("Port", 70000, 70000),
    ("AllowExternal", "True", True),
    ("AllowExternal", 0, False),
    ("BlackholeDir", "", None),
    ("APIKey", None, None),
    ("OmdbApiKey", 5, "5"),
    ("ProxyType", "Socks4", 1),
    ("ProxyType", 7, 7),
    ("ProxyPort", None, None),
]
REJECTED_BY_JACKETT: list[tuple[str, Any]] = [
    ("Port", "abc"),
    ("Port", None),
    ("Port", 2**31),
    ("Port", {}),
    ("AllowExternal", None),
    ("AllowExternal", "perhaps"),
    ("AdminPassword", []),
    ("CacheTtl", 2**63),
    ("CacheTtl", 1e400),
    ("ProxyType", None),
]


@pytest.mark.parametrize(("name", "value", "normal"), ACCEPTED)
def test_wanted_value_is_converted_to_the_fields_type(name: str, value: Any, normal: Any) -> None:
    found = values.normalise(TABLE[name], value)
    assert (found, type(found)) == (normal, type(normal))


@pytest.mark.parametrize(("name", "value", "text"), REFUSED)
def test_invalid_value_is_rejected_by_name(name: str, value: Any, text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        values.normalise(TABLE[name], value)
    assert str(caught.value).startswith(f"{name} must be ")
    assert text in str(caught.value)


def test_secret_is_not_quoted() -> None:
    with pytest.raises(InvalidValue) as caught:
        values.normalise(TABLE["ProxyPassword"], "open\nsesame")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(("name", "value", "read"), READ)
def test_stored_value_is_read_by_jacketts_rules(name: str, value: Any, read: Any) -> None:
    found = values.as_read(TABLE[name], value)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(("name", "value"), REJECTED_BY_JACKETT)
def test_value_that_jackett_rejects_is_detected(name: str, value: Any) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        values.as_read(TABLE[name], value)


@given(st.sampled_from([s for s in SETTINGS if not s.elsewhere]), st.text() | st.integers() | st.booleans() | st.none())
def test_accepted_value_is_stable_and_readable_by_jackett(setting: Any, value: Any) -> None:
    try:
        normal = values.normalise(setting, value)
    except InvalidValue:
        return
    assert values.as_read(setting, normal) == normal
    again = values.normalise(setting, "" if normal is None else normal)
    assert again == normal


def test_table_has_jacketts_fields_in_its_order() -> None:
    assert [setting.name for setting in SETTINGS] == list(FIRST)
    different = {s.name for s in SETTINGS if s.default != FIRST[s.name]} - {"APIKey", "InstanceId"}
    # Jackett's first file has "http", which without a ProxyUrl means no proxy.
    assert different == {"ProxyType"}


def test_every_field_has_a_meaning_and_accepted_values() -> None:
    for setting in SETTINGS:
        assert setting.meaning
        assert values.expected(setting)
        assert setting.elsewhere or setting.kind in values.PARSERS


def recorded(name: str, file: str) -> Any:
    if not RECORDED.is_dir():
        pytest.skip(f"no recordings of Jackett in {RECORDED}")
    for line in json.loads((RECORDED / file).read_text(encoding="utf-8")):
        if line["name"] == name:
            return line
    raise AssertionError(f"{file} has no {name!r}")


def test_hash_equals_the_recorded_one() -> None:
    seen = recorded("stored hash compared with own computation", "password.json")["observation"]
    assert values.hash_password(seen["password"], seen["APIKey"]) == seen["stored"]


def test_table_equals_the_recorded_file() -> None:
    line = recorded("the same settings posted back (what the UI does)", "server-config-api.json")
    assert [setting.name for setting in SETTINGS] == list(line["answer"]["body"])
    first = recorded("ServerConfig.json as written (exact text; keys replaced)", "first-start.json")
    text = json.dumps(FIRST, indent=2)
    assert text.startswith(first["text"].removesuffix("..."))
    assert (len(text), text.endswith("\n")) == (first["bytes"], first["ends_with_newline"])


REFUSALS = [
    ("port 0", "port", "Port"),
    ("port 70000", "port", "Port"),
    ("local_bind_address not loopback", "local_bind_address", "LocalBindAddress"),
    ("local_bind_address not an address", "local_bind_address", "LocalBindAddress"),
    ("base path without slash", "basepathoverride", "BasePathOverride"),
    ("baseurloverride invalid", "baseurloverride", "BaseUrlOverride"),
    ("flaresolverr url invalid", "flaresolverrurl", "FlareSolverrUrl"),
    ("flaresolverr timeout too small", "flaresolverr_maxtimeout", "FlareSolverrMaxTimeout"),
    ("cache_ttl as a word", "cache_ttl", "CacheTtl"),
    ("proxy port 70000", "proxy_port", "ProxyPort"),
    ("proxy type 7", "proxy_type", "ProxyType"),
]


@pytest.mark.parametrize(("exchange", "field", "name"), REFUSALS)
def test_values_that_jackett_rejected_are_rejected(exchange: str, field: str, name: str) -> None:
    line = recorded(exchange, "server-config-api.json")
    assert line["answer"]["status"] >= 400
    with pytest.raises(InvalidValue):
        values.normalise(TABLE[name], line["body"][field])
