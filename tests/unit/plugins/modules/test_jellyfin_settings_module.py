# SPDX-License-Identifier: GPL-3.0-or-later
"""jellyfin_settings, whole, over a socket, against the double of the server in both versions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.modules import jellyfin_settings
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import START, WANTED, House


def configuration(house: House) -> dict[str, Any]:
    client = house.administrator()
    paths = {"system": "", "encoding": "/encoding", "network": "/network"}
    return {section: client.get(f"/System/Configuration{path}") for section, path in paths.items()}


def test_settings_four_times(claimed: House) -> None:
    before = configuration(claimed)
    foretold = claimed.settings(**WANTED, _ansible_check_mode=True)
    assert configuration(claimed) == before
    done = claimed.settings(**WANTED)
    assert {name: done[name] for name in foretold if name != "invocation"} == {
        name: value for name, value in foretold.items() if name != "invocation"
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


def test_metrics_and_the_restart(claimed: House) -> None:
    told = claimed.settings(system={"EnableMetrics": True})
    assert (told["changed"], told["restart_needed"], told["restarted"]) == (True, True, False)
    claimed.boot(START)
    claimed.sleep(30)
    # A restart by other means has paid the debt.
    told = claimed.settings(system={"EnableMetrics": True}, restart="when_needed")
    assert (told["changed"], told["restart_needed"]) == (False, False)
    options = {"system": {"EnableMetrics": False}, "restart": "when_needed"}
    foretold = claimed.settings(**options, _ansible_check_mode=True)
    done = claimed.settings(**options)
    for result in (foretold, done):
        assert (result["changed"], result["restart_needed"], result["restarted"]) == (True, False, True)
    assert not claimed.client().exists("/metrics")
    assert not claimed.settings(**options)["changed"]


def test_a_restart_that_is_owed_is_made_up(claimed: House) -> None:
    claimed.boot(START)
    claimed.settings(system={"EnableMetrics": True})
    done = claimed.settings(system={"EnableMetrics": True}, restart="when_needed")
    assert (done["changed"], done["changes"], done["restarted"]) == (True, {}, True)
    assert claimed.client().exists("/metrics")


REFUSED = {
    "misspelt": ({"system": {"libraryMonitorDelay": 1}}, "is written LibraryMonitorDelay"),
    "unknown": ({"encoding": {"Turbo": True}}, "this server has no Turbo"),
    "unknown, forced": ({"system": {"Turbo": True}, "allow_unknown": True}, "accepted, and then system.Turbo is None"),
    "wrong type": ({"system": {"LibraryMonitorDelay": "soon"}}, "takes a number"),
    "bad choice": ({"encoding": {"HardwareAccelerationType": "omx"}}, "the server refuses the new values"),
    "wizard": ({"system": {"IsStartupWizardCompleted": False}}, "not for you to set"),
    "two keys": ({"api_key": "x" * 32}, "mutually exclusive"),
    "bad key": ({"api_key_file": None, "api_key": "a b"}, "api_key is no API key"),
    "no key": ({"api_key_file": None}, "one of the following is required"),
    "bad address": ({"url": "ftp://x"}, "url must be like"),
    "bad time": ({"timeout": 0}, "timeout must be at least one second"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_change_nothing(claimed: House, options: dict[str, Any], message: str) -> None:
    before = configuration(claimed)
    answer = claimed.settings(**{name: value for name, value in options.items() if value is not None})
    if options.get("api_key_file", "") is None:
        answer = claimed._run(jellyfin_settings, **{k: v for k, v in options.items() if v is not None})
    assert answer["failed"]
    assert message in answer["msg"]
    assert configuration(claimed) == before


def test_a_reopened_wizard_stops_the_settings(claimed: House) -> None:
    claimed.administrator().post("/System/Configuration", {"ServerName": "careless"})
    refused = claimed.settings(system={"LibraryMonitorDelay": 1})
    assert "Run jellyfin_setup first" in refused["msg"]
    assert claimed.setup()["wizard_run"]
    assert claimed.settings(system={"LibraryMonitorDelay": 1})["changed"]


def test_a_key_given_directly(claimed: House) -> None:
    key = claimed.key_file.read_text().strip()
    options = {"api_key": key, "system": {"LibraryMonitorDelay": 1}}
    assert claimed._run(jellyfin_settings, **options)["changed"]
    claimed.key_file.unlink()
    assert key not in json.dumps(claimed._run(jellyfin_settings, **options))
