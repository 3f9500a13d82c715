# SPDX-License-Identifier: GPL-3.0-or-later
"""ServerConfig.json as a whole: parsed, merged and rendered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._core.json_file import Content, parse_object
from ansible_collections.household.mediaserver.plugins.module_utils._jackett import model
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.table import TABLE
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jackett.doubles import (
    FIRST,
    ID,
    KEY,
    as_written,
    stored_hash,
)
from hypothesis import given
from hypothesis import strategies as st

PASSWORD = "correct horse"
SPARES = [{"APIKey": "s" * 32, "InstanceId": "s" * 64}]


def content_of(text: str | bytes) -> Content:
    raw = text.encode() if isinstance(text, str) else text
    data, problem = parse_object(raw)
    return Content(exists=True, raw=raw, data=data, problem=problem)


def stored_of(text: str | bytes) -> model.StoredConfig:
    return model.parse(content_of(text))


def target_of(stored: model.StoredConfig, wanted: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return model.target(wanted or {}, stored, **{"password": PASSWORD, "api_key": "", "spares": SPARES, **more})


@pytest.mark.parametrize(
    "spelling", ["AllowCORS", "allow_cors", "allowcors", "FlareSolverrUrl", "flaresolverr_url", "api_key", "APIKey"]
)
def test_any_spelling_has_a_canonical_name(spelling: str) -> None:
    assert model.canonical(spelling) in TABLE


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"Cachettl_": 5, "CacheTTL": 6}, "CacheTtl is given twice"),
        ({"CacheTime": 5}, "is CacheTtl meant?"),
        ({"api_key": KEY}, "is managed by the role; the module has the option api_key"),
        ({"AdminPassword": "x"}, "belongs into jackett_admin_password"),
        ({"instance_id": ID}, "is generated once and then kept"),
        ({"ProxyIsAnonymous": True}, "is computed"),
    ],
)
def test_name_that_is_not_a_setting_is_rejected(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidValue, match=text.replace("?", r"\?")):
        model.read_wanted(settings)


@pytest.mark.parametrize("value", [[1], {"a": 1}, "a\nb", float("nan"), float("inf")])
def test_unknown_name_accepts_only_scalars(value: Any) -> None:
    assert model.read_wanted({"New": 5}, allow_unknown=True) == {"New": 5}
    with pytest.raises(InvalidValue, match="New must be"):
        model.read_wanted({"New": value}, allow_unknown=True)


def test_null_is_not_managed_and_empty_text_clears_a_field() -> None:
    assert model.read_wanted({"BlackholeDir": None, "OmdbApiKey": ""}) == {"OmdbApiKey": None}


EXACT = [as_written(), as_written(BlackholeDir="/ü", ProxyUrl="", ProxyType=-1), as_written(Extra={"a": [1, 2]}), "{}"]
OTHER_FORMAT = [
    as_written() + "\n",
    "\ufeff" + as_written(),
    json.dumps(FIRST),
    json.dumps(FIRST, indent=4),
    as_written(Port="9117"),
    as_written().replace('"Port"', '"port"'),
    as_written().replace('  "Port": 9117,', '  "Port": 9118,\n  "Port": 9117,'),
    as_written(BlackholeDir="/a\u2028b"),
]
DAMAGED = [
    ("", "empty"),
    ("null", "not a JSON object"),
    ('{"Port": 9117,', "not JSON"),
    (as_written(Port="abc"), "Port is of the wrong type"),
    (as_written(CacheEnabled=None), "CacheEnabled is of the wrong type"),
    (as_written(ProxyPassword=["secret"]), "ProxyPassword is of the wrong type"),
    ('{"Extra": NaN}', "not valid JSON"),
    ('{"Extra": "\\ud800"}', "not valid text"),
]


@pytest.mark.parametrize("text", EXACT)
def test_jacketts_own_text_is_exact(text: str) -> None:
    stored = stored_of(text)
    assert (stored.exact, stored.problem) == (True, "")


@pytest.mark.parametrize("text", OTHER_FORMAT)
def test_text_that_jackett_would_rewrite_is_not_exact(text: str) -> None:
    stored = stored_of(text)
    assert (stored.exact, stored.problem) == (False, "")
    assert (stored.data.get("Port"), stored.data.get("APIKey")) == (9117, KEY)


@pytest.mark.parametrize(("text", "problem"), DAMAGED)
def test_text_that_jackett_would_replace_is_damaged(text: str, problem: str) -> None:
    stored = stored_of(text)
    assert problem in stored.problem
    assert (stored.data, stored.exact, stored.protected) == ({}, False, False)
    assert "secret" not in stored.problem


@given(st.integers(0, len(as_written()) - 1))
def test_truncated_file_is_damaged_and_only_whole_keys_are_recovered(cut: int) -> None:
    stored = stored_of(as_written()[:cut])
    assert stored.problem
    for name, value in stored.recovered.items():
        assert value == FIRST[name]
    assert ("APIKey" in stored.recovered) == (f'{KEY}",' in as_written()[:cut])


@given(st.binary(max_size=300))
def test_any_content_can_be_parsed(raw: bytes) -> None:
    stored = stored_of(raw)
    target = target_of(stored)
    assert model.is_usable_key(target["APIKey"])


def test_new_file_is_complete_and_protected() -> None:
    stored = model.parse(Content())
    text = model.render(model.merge(stored, target_of(stored, {"AllowExternal": True})))
    hashed = stored_hash(PASSWORD, "s" * 32)
    assert text == as_written(APIKey="s" * 32, InstanceId="s" * 64, AdminPassword=hashed, ProxyType=-1)
    assert stored_of(text).protected
    assert stored_of(text).exact


def test_key_is_kept_given_or_recovered_and_the_hash_follows() -> None:
    stored = stored_of(as_written(APIKey="abcde"))
    assert target_of(stored)["APIKey"] == "abcde"
    assert target_of(stored)["AdminPassword"] == stored_hash(PASSWORD, "abcde")
    assert target_of(stored, api_key="k" * 20)["AdminPassword"] == stored_hash(PASSWORD, "k" * 20)
    assert target_of(stored_of(as_written(APIKey="  ")))["APIKey"] == "s" * 32
    assert target_of(stored_of(as_written(APIKey='a"b')))["APIKey"] == "s" * 32
    assert target_of(stored_of(as_written(Port="abc")))["APIKey"] == KEY
    assert target_of(stored_of(""), spares=[{"APIKey": "f" * 32}, *SPARES])["APIKey"] == "f" * 32
    assert target_of(stored_of(""))["InstanceId"] == "s" * 64


def test_proxy_needs_a_host() -> None:
    with pytest.raises(InvalidValue, match="ProxyType needs ProxyUrl"):
        target_of(stored_of(as_written()), {"ProxyType": 2})
    assert target_of(stored_of(as_written(ProxyUrl="10.0.0.1")), {"ProxyType": 2})["ProxyType"] == 2


def test_proxy_is_anonymous_is_computed() -> None:
    stored = stored_of(as_written())
    fields = {"ProxyUsername": "u", "ProxyPassword": "p"}
    assert model.merge(stored, fields)["ProxyIsAnonymous"] is False
    assert model.merge(stored, {**fields, "ProxyPassword": None})["ProxyIsAnonymous"] is True


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "Port": st.integers(1, 65535),
        "AllowExternal": st.booleans(),
        "CacheTtl": st.integers(1, 2**62),
        "BlackholeDir": st.text().map(lambda tail: f"/{tail}"),
        "OmdbApiKey": st.text(),
        "Extra": st.none() | st.booleans() | st.text() | st.integers(),
    },
)


@given(FIELDS, FIELDS)
def test_written_file_is_exact_protected_and_needs_no_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    try:
        wanted = model.read_wanted(after, allow_unknown=True)
        stored = stored_of(as_written(**model.read_wanted(before, allow_unknown=True)))
    except InvalidValue:
        return
    text = model.render(model.merge(stored, target_of(stored, wanted)))
    written = stored_of(text)
    assert (written.problem, written.exact, written.protected) == ("", True, True)
    assert target_of(written, wanted).items() <= model.effective(written, content_of(text)).items()
    assert {n: v for n, v in written.data.items() if n not in {*wanted, "AdminPassword", "ProxyType"}} == {
        n: v for n, v in stored.data.items() if n not in {*wanted, "AdminPassword", "ProxyType"}
    }
