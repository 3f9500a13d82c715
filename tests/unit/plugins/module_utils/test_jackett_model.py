# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole of ServerConfig.json, pure: found, wanted, written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._core.json_file import Content, parse_object
from ansible_collections.household.mediaserver.plugins.module_utils._jackett import model
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.table import TABLE
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.jackett_doubles import (
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


def held_of(text: str | bytes) -> model.Held:
    return model.inspect(content_of(text))


def target_of(held: model.Held, wanted: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return model.target(wanted or {}, held, **{"password": PASSWORD, "api_key": "", "spares": SPARES, **more})


@pytest.mark.parametrize(
    "spelling", ["AllowCORS", "allow_cors", "allowcors", "FlareSolverrUrl", "flaresolverr_url", "api_key", "APIKey"]
)
def test_a_name_has_one_spelling(spelling: str) -> None:
    assert model.canonical(spelling) in TABLE


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"Cachettl_": 5, "CacheTTL": 6}, "CacheTtl is given twice"),
        ({"CacheTime": 5}, "is CacheTtl meant?"),
        ({"api_key": KEY}, "is kept by the role; the module has the option api_key"),
        ({"AdminPassword": "x"}, "belongs into jackett_admin_password"),
        ({"instance_id": ID}, "is made once and then kept"),
        ({"ProxyIsAnonymous": True}, "is computed"),
    ],
)
def test_what_is_no_setting_is_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidValue, match=text.replace("?", r"\?")):
        model.read_wanted(settings)


@pytest.mark.parametrize("value", [[1], {"a": 1}, "a\nb", float("nan"), float("inf")])
def test_an_unknown_name_takes_plain_values_only(value: Any) -> None:
    assert model.read_wanted({"New": 5}, allow_unknown=True) == {"New": 5}
    with pytest.raises(InvalidValue, match="New takes"):
        model.read_wanted({"New": value}, allow_unknown=True)


def test_null_leaves_a_field_alone_and_empty_text_clears_it() -> None:
    assert model.read_wanted({"BlackholeDir": None, "OmdbApiKey": ""}) == {"OmdbApiKey": None}


TIDY = [as_written(), as_written(BlackholeDir="/ü", ProxyUrl="", ProxyType=-1), as_written(Extra={"a": [1, 2]}), "{}"]
UNTIDY = [
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
    ("null", "no JSON object"),
    ('{"Port": 9117,', "not JSON"),
    (as_written(Port="abc"), "Port is of the wrong type"),
    (as_written(CacheEnabled=None), "CacheEnabled is of the wrong type"),
    (as_written(ProxyPassword=["secret"]), "ProxyPassword is of the wrong type"),
    ('{"Extra": NaN}', "no JSON"),
    ('{"Extra": "\\ud800"}', "no text"),
]


@pytest.mark.parametrize("text", TIDY)
def test_what_jackett_writes_is_tidy(text: str) -> None:
    held = held_of(text)
    assert (held.tidy, held.problem) == (True, "")


@pytest.mark.parametrize("text", UNTIDY)
def test_what_jackett_reads_and_would_write_otherwise_is_not(text: str) -> None:
    held = held_of(text)
    assert (held.tidy, held.problem) == (False, "")
    assert (held.data.get("Port"), held.data.get("APIKey")) == (9117, KEY)


@pytest.mark.parametrize(("text", "problem"), DAMAGED)
def test_what_jackett_throws_away_is_damaged(text: str, problem: str) -> None:
    held = held_of(text)
    assert problem in held.problem
    assert (held.data, held.tidy, held.claimed) == ({}, False, False)
    assert "secret" not in held.problem


@given(st.integers(0, len(as_written()) - 1))
def test_a_file_cut_off_anywhere_is_damaged_and_gives_back_only_whole_keys(cut: int) -> None:
    held = held_of(as_written()[:cut])
    assert held.problem
    for name, value in held.rescued.items():
        assert value == FIRST[name]
    assert ("APIKey" in held.rescued) == (f'{KEY}",' in as_written()[:cut])


@given(st.binary(max_size=300))
def test_nothing_that_stands_there_breaks_the_reading(raw: bytes) -> None:
    held = held_of(raw)
    target = target_of(held)
    assert model.is_usable_key(target["APIKey"])


def test_a_file_of_its_own_making_is_complete_and_claimed() -> None:
    held = model.inspect(Content())
    text = model.render(model.merge(held, target_of(held, {"AllowExternal": True})))
    hashed = stored_hash(PASSWORD, "s" * 32)
    assert text == as_written(APIKey="s" * 32, InstanceId="s" * 64, AdminPassword=hashed, ProxyType=-1)
    assert held_of(text).claimed
    assert held_of(text).tidy


def test_a_key_is_kept_or_adopted_or_rescued_and_the_hash_follows() -> None:
    held = held_of(as_written(APIKey="abcde"))
    assert target_of(held)["APIKey"] == "abcde"
    assert target_of(held)["AdminPassword"] == stored_hash(PASSWORD, "abcde")
    assert target_of(held, api_key="k" * 20)["AdminPassword"] == stored_hash(PASSWORD, "k" * 20)
    assert target_of(held_of(as_written(APIKey="  ")))["APIKey"] == "s" * 32
    assert target_of(held_of(as_written(APIKey='a"b')))["APIKey"] == "s" * 32
    assert target_of(held_of(as_written(Port="abc")))["APIKey"] == KEY
    assert target_of(held_of(""), spares=[{"APIKey": "f" * 32}, *SPARES])["APIKey"] == "f" * 32
    assert target_of(held_of(""))["InstanceId"] == "s" * 64


def test_a_proxy_needs_a_host() -> None:
    with pytest.raises(InvalidValue, match="ProxyType needs ProxyUrl"):
        target_of(held_of(as_written()), {"ProxyType": 2})
    assert target_of(held_of(as_written(ProxyUrl="10.0.0.1")), {"ProxyType": 2})["ProxyType"] == 2


def test_whether_the_proxy_is_anonymous_follows() -> None:
    held = held_of(as_written())
    fields = {"ProxyUsername": "u", "ProxyPassword": "p"}
    assert model.merge(held, fields)["ProxyIsAnonymous"] is False
    assert model.merge(held, {**fields, "ProxyPassword": None})["ProxyIsAnonymous"] is True


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
def test_what_is_written_is_tidy_claimed_and_nothing_is_left_to_do(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    try:
        wanted = model.read_wanted(after, allow_unknown=True)
        held = held_of(as_written(**model.read_wanted(before, allow_unknown=True)))
    except InvalidValue:
        return
    text = model.render(model.merge(held, target_of(held, wanted)))
    written = held_of(text)
    assert (written.problem, written.tidy, written.claimed) == ("", True, True)
    assert target_of(written, wanted).items() <= model.view(written, content_of(text)).items()
    assert {n: v for n, v in written.data.items() if n not in {*wanted, "AdminPassword", "ProxyType"}} == {
        n: v for n, v in held.data.items() if n not in {*wanted, "AdminPassword", "ProxyType"}
    }
