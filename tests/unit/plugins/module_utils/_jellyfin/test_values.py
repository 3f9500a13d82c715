# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure part of jellyfin_settings: names, types, merging, secrets, and bodies that are never sent."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue, ServiceProblem
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.values import (
    NULLABLE,
    SECRET,
    WIZARD,
    check_body,
    merge,
    plan_section,
    same,
    secrets_in,
)
from hypothesis import given
from hypothesis import strategies as st

SHARED = Path(os.environ.get("MEDIASERVER_SHARED", Path(__file__).resolve().parents[6] / "shared"))
# From a response of 12.0, trimmed.
FOUND: dict[str, Any] = {
    "EnableMetrics": False,
    "MetadataPath": "",
    "LibraryMonitorDelay": 60,
    "DownMixAudioBoost": 2,
    "SortRemoveWords": ["the", "a", "an"],
    "CodecsUsed": [],
    "PluginRepositories": [{"Name": "Jellyfin Stable", "Url": "https://repo.jellyfin.org/m.json", "Enabled": True}],
    "TrickplayOptions": {"Interval": 10000, "WidthResolutions": [320], "ScanBehavior": "NonBlocking"},
    "CertificatePassword": "old-Secret",
    WIZARD: True,
}


def names(wanted: dict[str, Any], section: str = "system", **more: bool) -> dict[str, Any]:
    return {change.name: change.shown() for change in plan_section(section, wanted, FOUND, **more)}


PLANS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "the same": ({"LibraryMonitorDelay": 60, "SortRemoveWords": ["the", "a", "an"], "EnableMetrics": False}, {}),
    "null is not managed": (
        {"LibraryMonitorDelay": None, "TrickplayOptions": {"Interval": None}, "Nonsense": None},
        {},
    ),
    "2.0 is 2": ({"DownMixAudioBoost": 2.0}, {}),
    "a number": ({"LibraryMonitorDelay": 1}, {"system.LibraryMonitorDelay": (60, 1)}),
    "a fraction": ({"DownMixAudioBoost": 1.5}, {"system.DownMixAudioBoost": (2, 1.5)}),
    "a text": ({"MetadataPath": "/m"}, {"system.MetadataPath": ("", "/m")}),
    "a switch": ({"EnableMetrics": True}, {"system.EnableMetrics": (False, True)}),
    "a list": ({"SortRemoveWords": ["an"]}, {"system.SortRemoveWords": (["the", "a", "an"], ["an"])}),
    "order of a list": ({"SortRemoveWords": ["a", "an", "the"]}, {"system.SortRemoveWords": None}),
    "an empty list": ({"SortRemoveWords": []}, {"system.SortRemoveWords": None}),
    "into an empty list": ({"CodecsUsed": ["h264"]}, {"system.CodecsUsed": ([], ["h264"])}),
    "within an object": (
        {"TrickplayOptions": {"Interval": 5000, "WidthResolutions": [320]}},
        {"system.TrickplayOptions.Interval": (10000, 5000)},
    ),
    "omitted while null": ({"CachePath": "/cache"}, {"system.CachePath": (None, "/cache")}),
    "a secret": (
        {"CertificatePassword": "new-Secret"},
        {"system.CertificatePassword": ("(hidden)", "(hidden, changed)")},
    ),
}


@pytest.mark.parametrize(("wanted", "changes"), PLANS.values(), ids=PLANS.keys())
def test_plans_changes(wanted: dict[str, Any], changes: dict[str, Any]) -> None:
    found = names(wanted)
    assert set(found) == set(changes)
    assert {name: pair for name, pair in found.items() if changes[name]} == {k: v for k, v in changes.items() if v}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "first letter": (
        {"libraryMonitorDelay": 1},
        "system: libraryMonitorDelay is misspelled; write Library",
    ),
    "case elsewhere": ({"EnablemetRics": True}, "misspelled; write EnableMetrics"),
    "case within": (
        {"TrickplayOptions": {"interval": 1}},
        "TrickplayOptions: interval is misspelled; write Interval",
    ),
    "case of an omitted one": ({"cachepath": "/c"}, "misspelled; write CachePath"),
    "unknown": ({"LibraryMonitorDela": 1}, "this server has no LibraryMonitorDela; is LibraryMonitorDelay meant?"),
    "unknown within": ({"TrickplayOptions": {"Speed": 1}}, "system.TrickplayOptions: this server has no Speed"),
    "no name": ({"": 1}, "'' is not the name"),
    "number as a name": ({5: 1}, "'5' is not the name"),
    "odd letters": ({"Enable Metrics": True}, "is not the name"),
    "text for a number": ({"LibraryMonitorDelay": "1"}, "system.LibraryMonitorDelay must be a number, not '1'"),
    "switch for a number": ({"LibraryMonitorDelay": True}, "must be a number, not True"),
    "number for a switch": ({"EnableMetrics": 1}, "system.EnableMetrics must be true or false, not 1"),
    "text for a switch": ({"EnableMetrics": "yes"}, "must be true or false, not 'yes'"),
    "text for a list": ({"SortRemoveWords": "the"}, "must be a list, not 'the'"),
    "wrong element": ({"SortRemoveWords": ["the", 5]}, "SortRemoveWords must be a text, not a number"),
    "null in a list": ({"CodecsUsed": [float("inf")]}, "not a value without JSON form"),
    "text for an object": ({"TrickplayOptions": "fast"}, "must be an object, not 'fast'"),
    "object for a text": ({"MetadataPath": {"a": "b"}}, "must be a text, not an object"),
    "number for an omitted text": ({"CachePath": 5}, "system.CachePath must be a text, not 5"),
    "not a number": ({"LibraryMonitorDelay": float("nan")}, "must be a number"),
    "the wizard": ({WIZARD: True}, "must not be set"),
    "the wizard, otherwise": ({"isstartupWIZARDcompleted": None}, "must not be set"),
    "a secret's type": ({"CertificatePassword": 12345}, "system.CertificatePassword must be a text"),
}


@pytest.mark.parametrize(("wanted", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_invalid_input_is_rejected(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        names(wanted)
    assert message in str(caught.value)
    assert "12345" not in str(caught.value)


def test_allowed_unknown_name_is_accepted_but_no_second_spelling() -> None:
    assert names({"Future": {"a": 1}}, allow_unknown=True) == {"system.Future": (None, {"a": 1})}
    for wanted in ({"future thing": 1}, {"\u0131s": 1}, {"enableMetrics": True}, {"isStartupWizardCompleted": False}):
        with pytest.raises(InvalidValue):
            names(wanted, allow_unknown=True)


def test_secrets_in_lists_of_objects_are_hidden() -> None:
    found = {"Hosts": [{"Name": "a", "ApiKey": "s3cret-1"}], "Deep": {"Token": "s3cret-2"}}
    wanted = {"Hosts": [{"Name": "b", "ApiKey": "s3cret-3"}], "Deep": {"Token": "s3cret-4"}}
    changes = plan_section("network", wanted, found)
    assert "s3cret" not in json.dumps([change.shown() for change in changes])
    assert [change.name for change in changes] == ["network.Deep.Token", "network.Hosts"]
    assert secrets_in(wanted) == {"s3cret-3", "s3cret-4"}


def test_names_without_secrets_are_not_hidden() -> None:
    for name in ("AllowOnDemandMetadataBasedKeyframeExtractionForExtensions", "MetadataPath", "KnownProxies"):
        assert not SECRET.search(name)


def test_values_are_compared_as_json() -> None:
    assert same({"a": [1, {"b": 2.0}]}, {"a": (1, {"b": 2})})
    for left, right in ((1, True), (0, False), ("1", 1), ([1], [True]), ({"a": 1}, {"a": True}), (None, ""), ([], {})):
        assert not same(left, right)


VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["A", "B", "Password"]), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [*FOUND, "CachePath", "Unknown", "isStartupWizardCompleted", "I\u017fStartupWizardCompleted", "", "x y"]
)
WANTED = st.dictionaries(NAMES | st.text(max_size=8), VALUES | st.none(), max_size=5)
SERVERS = st.dictionaries(NAMES, VALUES, max_size=8) | st.just(FOUND)


@given(wanted=WANTED, found=SERVERS, section=st.sampled_from(["system", "network"]), unknown=st.booleans())
def test_plan_is_empty_after_it_was_applied(
    wanted: dict[str, Any], found: dict[str, Any], section: str, unknown: bool
) -> None:
    before = copy.deepcopy((wanted, found))
    try:
        changes = plan_section(section, wanted, found, allow_unknown=unknown)
    except InvalidValue:
        return
    body = merge(found, wanted)
    assert plan_section(section, wanted, body, allow_unknown=unknown) == []
    assert bool(changes) == (not same(body, found))
    assert (wanted, found) == before
    # Unmanaged values are sent unchanged.
    assert all(same(body[name], value) for name, value in found.items() if wanted.get(name) is None)


@given(wanted=WANTED, found=SERVERS, wizard=st.sampled_from([True, False, None, 1, "true", "absent"]))
def test_no_body_is_sent_that_opens_the_wizard(wanted: dict[str, Any], found: dict[str, Any], wizard: Any) -> None:
    found = {**found, WIZARD: wizard}
    if wizard == "absent":
        del found[WIZARD]
    try:
        plan_section("system", wanted, found, allow_unknown=True)
        body = merge(found, wanted)
        check_body("system", body)
    except (InvalidValue, ServiceProblem):
        return
    # The server ignores the case of names and uses the last one.
    read = {name.upper(): value for name, value in json.loads(json.dumps(body)).items()}
    assert read[WIZARD.upper()] is True


@pytest.mark.parametrize(
    "body",
    [
        {},
        {WIZARD: False},
        {WIZARD: 1},
        {WIZARD: "true"},
        {WIZARD: None},
        {"isStartupWizardCompleted": True},
        {WIZARD: True, "isStartupWizardCompleted": True},
        {"isStartupWizardCompleted": False, WIZARD: True},
    ],
)
def test_body_needs_the_wizard_key_once_and_true(body: dict[str, Any]) -> None:
    with pytest.raises(ServiceProblem, match="jellyfin_setup"):
        check_body("system", body)
    check_body("network", body)
    check_body("system", {WIZARD: True})


@given(secret=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=12), known=st.booleans())
def test_changes_and_messages_contain_no_secret(secret: str, known: bool) -> None:
    found = {**FOUND, "CertificatePassword": f"old{secret}", "Deep": [{"ApiKey": secret}]}
    wanted = {"CertificatePassword": secret, "Deep": [{"ApiKey": f"new{secret}"}]}
    assert secret not in repr([change.shown() for change in plan_section("network", wanted, found)])
    wrong: dict[str, Any] = {"CertificatePassword": [secret]} if known else {"AccessToken": secret}
    with pytest.raises(InvalidValue) as caught:
        plan_section("network", wrong, found)
    assert secret not in str(caught.value)


SCHEMAS = {"system": "ServerConfiguration", "encoding": "EncodingOptions", "network": "NetworkConfiguration"}
# Written by the server itself, or always in its response.
NOT_OURS = {"PreviousVersion", "PreviousVersionStr"}


@pytest.mark.parametrize("version", ["10.11", "12.0"])
def test_nullable_texts_equal_the_openapi_documents(version: str) -> None:
    path = SHARED / "jellyfin" / f"openapi-{version}.json"
    if not path.exists():
        pytest.skip(f"{path.parent} is not there: the official documents are not part of this project")
    schemas = json.loads(path.read_text(encoding="utf-8"))["components"]["schemas"]
    for section, schema in SCHEMAS.items():
        properties = schemas[schema]["properties"]
        nullable = {
            name
            for name, described in properties.items()
            if described.get("nullable") and described.get("type", "string") == "string"
        }
        # In 12.0, EncoderPreset is never null; its entry in NULLABLE then has no effect.
        assert nullable - NOT_OURS == NULLABLE[section] & (nullable | set(properties) - {"EncoderPreset"})
