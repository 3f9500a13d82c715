# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module jellyfin_settings over a socket, on the double of the server in both versions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.modules import jellyfin_settings
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import (
    START,
    WANTED,
    SimulatedServer,
)


def configuration(host: SimulatedServer) -> dict[str, Any]:
    client = host.administrator()
    paths = {"system": "", "encoding": "/encoding", "network": "/network"}
    return {section: client.get(f"/System/Configuration{path}") for section, path in paths.items()}


def test_applies_settings_idempotently(claimed: SimulatedServer) -> None:
    before = configuration(claimed)
    predicted = claimed.settings(**WANTED, _ansible_check_mode=True)
    assert configuration(claimed) == before
    done = claimed.settings(**WANTED)
    assert {name: done[name] for name in predicted if name != "invocation"} == {
        name: value for name, value in predicted.items() if name != "invocation"
    }
    assert done["changes"]["system.TrickplayOptions.ProcessThreads"] == {"before": 1, "after": 2}
    assert done["changes"]["network.CertificatePassword"]["after"] == "(hidden, changed)"
    assert len(done["changes"]) == 8
    assert (done["restart_needed"], done["restarted"]) == (True, False)
    after = configuration(claimed)
    assert after["system"]["TrickplayOptions"] == {**before["system"]["TrickplayOptions"], "ProcessThreads": 2}
    assert after["network"] == {**before["network"], **WANTED["network"]}
    assert after["encoding"] == {**before["encoding"], **WANTED["encoding"]}
    assert after["system"]["PluginRepositories"] == before["system"]["PluginRepositories"] != []
    assert after["system"]["IsStartupWizardCompleted"] is True
    for check in (True, False):
        again = claimed.settings(**WANTED, _ansible_check_mode=check)
        assert (again["changed"], again["changes"]) == (False, {})


def test_metrics_take_effect_by_a_restart(claimed: SimulatedServer) -> None:
    predicted = claimed.settings(system={"EnableMetrics": True})
    assert (predicted["changed"], predicted["restart_needed"], predicted["restarted"]) == (True, True, False)
    claimed.boot(START)
    claimed.sleep(30)
    # A restart by other means needs no further restart.
    predicted = claimed.settings(system={"EnableMetrics": True}, restart="when_needed")
    assert (predicted["changed"], predicted["restart_needed"]) == (False, False)
    options = {"system": {"EnableMetrics": False}, "restart": "when_needed"}
    predicted = claimed.settings(**options, _ansible_check_mode=True)
    done = claimed.settings(**options)
    for result in (predicted, done):
        assert (result["changed"], result["restart_needed"], result["restarted"]) == (True, False, True)
    assert not claimed.client().exists("/metrics")
    assert not claimed.settings(**options)["changed"]


def test_missed_restart_is_made_up(claimed: SimulatedServer) -> None:
    claimed.boot(START)
    claimed.settings(system={"EnableMetrics": True})
    done = claimed.settings(system={"EnableMetrics": True}, restart="when_needed")
    assert (done["changed"], done["changes"], done["restarted"]) == (True, {}, True)
    assert claimed.client().exists("/metrics")


REFUSED = {
    "misspelled": ({"system": {"libraryMonitorDelay": 1}}, "is misspelled; write LibraryMonitorDelay"),
    "unknown": ({"encoding": {"Turbo": True}}, "this server has no Turbo"),
    "unknown, forced": ({"system": {"Turbo": True}, "allow_unknown": True}, "accepted, but then system.Turbo is None"),
    "wrong type": ({"system": {"LibraryMonitorDelay": "soon"}}, "must be a number"),
    "bad choice": ({"encoding": {"HardwareAccelerationType": "omx"}}, "the server rejects one of the new values"),
    "wizard": ({"system": {"IsStartupWizardCompleted": False}}, "must not be set"),
    "two keys": ({"api_key": "x" * 32}, "mutually exclusive"),
    "bad key": ({"api_key_file": None, "api_key": "a b"}, "api_key is not an API key"),
    "no key": ({"api_key_file": None}, "one of the following is required"),
    "bad address": ({"url": "ftp://x"}, "url must be like"),
    "bad time": ({"timeout": 0}, "timeout is 0 s; set at least one second"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_invalid_options_change_nothing(claimed: SimulatedServer, options: dict[str, Any], message: str) -> None:
    before = configuration(claimed)
    answer = claimed.settings(**{name: value for name, value in options.items() if value is not None})
    if options.get("api_key_file", "") is None:
        answer = claimed._run(jellyfin_settings, **{k: v for k, v in options.items() if v is not None})
    assert answer["failed"]
    assert message in answer["msg"]
    assert configuration(claimed) == before


def test_open_wizard_stops_the_settings(claimed: SimulatedServer) -> None:
    claimed.administrator().post("/System/Configuration", {"ServerName": "careless"})
    refused = claimed.settings(system={"LibraryMonitorDelay": 1})
    assert "Run jellyfin_setup first" in refused["msg"]
    assert claimed.setup()["wizard_run"]
    assert claimed.settings(system={"LibraryMonitorDelay": 1})["changed"]


def test_api_key_option_is_used_and_not_shown(claimed: SimulatedServer) -> None:
    key = claimed.key_file.read_text().strip()
    options = {"api_key": key, "system": {"LibraryMonitorDelay": 1}}
    assert claimed._run(jellyfin_settings, **options)["changed"]
    claimed.key_file.unlink()
    assert key not in json.dumps(claimed._run(jellyfin_settings, **options))
