# SPDX-License-Identifier: GPL-3.0-or-later
"""The use case of jellyfin_settings against a scripted server: every call, in order, and none besides."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    AccessDenied,
    InvalidValue,
    MediaserverError,
    NotTaken,
    ProtocolError,
    ServiceProblem,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.settings import (
    JellyfinSettings,
    present,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.jellyfin_doubles import (
    HEALTHY,
    LOADING,
    NO_BODY,
    NOTHING,
    REFUSED,
    SILENT,
    UNAUTHORISED,
    URL,
    ScriptedHttp,
    client_of,
    json_of,
    said,
)

SYSTEM = {"EnableMetrics": False, "LibraryMonitorDelay": 60, "IsPortAuthorized": True, "IsStartupWizardCompleted": True}
NETWORK = {"KnownProxies": [], "CertificatePassword": "old-Secret"}
ENCODING = {"EncodingThreadCount": -1}
READ = "GET /System/Configuration"
WRITE = "POST /System/Configuration"


def run(http: ScriptedHttp, *, check: bool = False, restart: bool = False, **sections: Any) -> dict[str, Any]:
    client = client_of(http)
    outcome = JellyfinSettings(
        client,
        sections,
        allow_unknown=False,
        may_restart=restart,
        timeout=10,
        check_mode=check,
        authorise=lambda: setattr(client, "token", "k"),
    ).run()
    http.finish()
    return {**present(outcome), "warnings": outcome.warnings}


def test_nothing_to_do() -> None:
    assert run(ScriptedHttp(HEALTHY)) == {
        "changed": False,
        "changes": {},
        "restart_needed": False,
        "restarted": False,
        "diff": {"before": {}, "after": {}},
        "warnings": [],
    }
    again = run(ScriptedHttp(HEALTHY, (READ, json_of(SYSTEM))), system={"LibraryMonitorDelay": 60})
    assert not again["changed"]


def test_the_whole_object_as_it_is_now_is_merged_and_read_back() -> None:
    """The server itself changes IsPortAuthorized when the network's ports are saved."""
    now = {**SYSTEM, "IsPortAuthorized": False}
    wanted = {**now, "LibraryMonitorDelay": 1}
    http = ScriptedHttp(
        HEALTHY,
        (READ, json_of(SYSTEM)),
        (f"{READ}/encoding", json_of(ENCODING)),
        (READ, json_of(now)),
        (WRITE, NOTHING, wanted),
        (READ, json_of(wanted)),
        (f"{READ}/encoding", json_of(ENCODING)),
        (f"{WRITE}/encoding", NOTHING, {"EncodingThreadCount": 2}),
        (f"{READ}/encoding", json_of({"EncodingThreadCount": 2})),
    )
    done = run(http, encoding={"EncodingThreadCount": 2}, system={"LibraryMonitorDelay": 1}, network={})
    assert done["changed"]
    assert done["changes"] == {
        "encoding.EncodingThreadCount": {"before": -1, "after": 2},
        "system.LibraryMonitorDelay": {"before": 60, "after": 1},
    }
    assert (done["restart_needed"], done["restarted"]) == (False, False)
    assert all('Token="k"' in headers["Authorization"] for headers in http.headers[1:])


def test_check_mode_foretells_the_same_and_writes_nothing() -> None:
    reads = [(READ, json_of(SYSTEM)), (f"{READ}/network", json_of(NETWORK))]
    system, network = {"EnableMetrics": True}, {"CertificatePassword": "new-Secret", "KnownProxies": ["10.0.0.1"]}
    foretold = run(ScriptedHttp(HEALTHY, HEALTHY, *reads), check=True, restart=True, system=system, network=network)
    new_system, new_network = {**SYSTEM, **system}, {**NETWORK, **network}
    done = run(
        ScriptedHttp(
            HEALTHY,
            *reads,
            (READ, json_of(SYSTEM)),
            (WRITE, NOTHING, new_system),
            (READ, json_of(new_system)),
            (f"{READ}/network", json_of(NETWORK)),
            (f"{WRITE}/network", NOTHING, new_network),
            (f"{READ}/network", json_of(new_network)),
            ("POST /System/Restart", NOTHING, NO_BODY),
            HEALTHY,
            ("GET /health", REFUSED),
            ("GET /health", said("Degraded")),
            HEALTHY,
            ("GET /metrics", said("# HELP")),
        ),
        restart=True,
        system=system,
        network=network,
    )
    assert done == foretold
    assert (done["changed"], done["restart_needed"], done["restarted"]) == (True, False, True)
    assert "Secret" not in repr(done)


@pytest.mark.parametrize("network", [{"KnownProxies": ["10.0.0.1"]}])
def test_without_leave_to_restart_it_only_tells(network: dict[str, Any]) -> None:
    new = {**NETWORK, **network}
    done = run(
        ScriptedHttp(
            HEALTHY,
            (f"{READ}/network", json_of(NETWORK)),
            (f"{READ}/network", json_of(NETWORK)),
            (f"{WRITE}/network", NOTHING, new),
            (f"{READ}/network", json_of(new)),
        ),
        network=network,
    )
    assert (done["restart_needed"], done["restarted"]) == (True, False)


def test_a_restart_that_an_earlier_run_owes_is_made_up() -> None:
    on = {**SYSTEM, "EnableMetrics": True}
    look = (READ, json_of(on)), ("GET /metrics", Response(404))
    told = run(ScriptedHttp(HEALTHY, *look), system={"EnableMetrics": True})
    assert (told["changed"], told["restart_needed"], told["restarted"]) == (False, True, False)
    restart = [("POST /System/Restart", NOTHING), ("GET /health", REFUSED), HEALTHY]
    done = run(
        ScriptedHttp(HEALTHY, *look, *restart, ("GET /metrics", said("#"))),
        restart=True,
        system={"EnableMetrics": True},
    )
    assert (done["changed"], done["changes"], done["restarted"]) == (True, {}, True)
    with pytest.raises(NotTaken, match="through a proxy"):
        run(
            ScriptedHttp(HEALTHY, *look, *restart, ("GET /metrics", Response(404))),
            restart=True,
            system={"EnableMetrics": True},
        )


INFO = "GET /System/Info"


@pytest.mark.parametrize("pending", [True, False, None])
def test_a_restart_that_the_server_owes_by_its_own_word_is_made_up(pending: bool | None) -> None:
    look = [(f"{READ}/network", json_of(NETWORK)), (INFO, json_of({"HasPendingRestart": pending}))]
    told = run(ScriptedHttp(HEALTHY, *look), network={"KnownProxies": []})
    assert (told["changed"], told["restart_needed"], told["restarted"]) == (False, pending is True, False)
    restart = [("POST /System/Restart", NOTHING), ("GET /health", REFUSED), HEALTHY] if pending else []
    done = run(ScriptedHttp(HEALTHY, *look, *restart), restart=True, network={"KnownProxies": []})
    assert (done["changed"], done["changes"], done["restarted"]) == (pending is True, {}, pending is True)


LOST: list[list[tuple[str, Any]]] = [
    [("POST /System/Restart", SILENT)],
    [("POST /System/Restart", NOTHING), ("GET /health", SILENT), *[("GET /health", LOADING)] * 3],
    [("POST /System/Restart", NOTHING), ("GET /health", said("Unhealthy"))],
]


@pytest.mark.parametrize("restart", LOST)
def test_a_restart_that_fails_is_told_to_be_owed(restart: list[tuple[str, Any]]) -> None:
    wanted = {**NETWORK, "KnownProxies": ["10.0.0.1"]}
    read = f"{READ}/network"
    writes = [(read, json_of(NETWORK)), (f"{WRITE}/network", NOTHING), (read, json_of(wanted))]
    http = ScriptedHttp(HEALTHY, (read, json_of(NETWORK)), *writes, *restart)
    with pytest.raises(ServiceProblem, match="All settings are written, and the restart that they need is still owed"):
        run(http, restart=True, network={"KnownProxies": ["10.0.0.1"]})
    http.finish()


def test_metrics_that_are_hidden_from_us_are_no_reason_for_a_restart() -> None:
    on = {**SYSTEM, "EnableMetrics": True}
    for hidden in (UNAUTHORISED, Response(403), REFUSED):
        done = run(
            ScriptedHttp(HEALTHY, (READ, json_of(on)), ("GET /metrics", hidden)),
            restart=True,
            system={"EnableMetrics": True},
        )
        assert (done["changed"], done["restart_needed"]) == (False, False)


WIZARDS: list[Any] = [{"IsStartupWizardCompleted": False}, {"IsStartupWizardCompleted": None}, {}]


@pytest.mark.parametrize("found", WIZARDS)
def test_a_server_with_an_open_wizard_is_not_written_to(found: dict[str, Any]) -> None:
    http = ScriptedHttp(HEALTHY, (READ, json_of({"LibraryMonitorDelay": 60, **found})))
    with pytest.raises(ServiceProblem, match="wizard"):
        run(http, system={"LibraryMonitorDelay": 1})
    # Nor when it opens between our two looks.
    http = ScriptedHttp(HEALTHY, (READ, json_of(SYSTEM)), (READ, json_of({"LibraryMonitorDelay": 60, **found})))
    with pytest.raises(ServiceProblem, match="wizard"):
        run(http, system={"LibraryMonitorDelay": 1})


FAILURES: dict[str, tuple[list[tuple[Any, ...]], type[MediaserverError], str]] = {
    "dead key": ([(READ, UNAUTHORISED)], AccessDenied, "api_key or api_key_file: GET http"),
    "no administrator's key": ([(READ, Response(403))], AccessDenied, "api_key_file"),
    "not Jellyfin": ([(READ, json_of([]))], ProtocolError, "no JSON object"),
    "bad value": (
        [(READ, json_of(SYSTEM)), (READ, json_of(SYSTEM)), (WRITE, said("Error processing request.", 500))],
        ProtocolError,
        "system: the server refuses the new values, or one of them (400 and 500 both stand for",
    ),
    "ignored": (
        [(READ, json_of(SYSTEM)), (READ, json_of(SYSTEM)), (WRITE, NOTHING), (READ, json_of(SYSTEM))],
        NotTaken,
        "accepted, and then system.LibraryMonitorDelay is 60",
    ),
    "wizard opened by the write": (
        [
            (READ, json_of(SYSTEM)),
            (READ, json_of(SYSTEM)),
            (WRITE, NOTHING),
            (READ, json_of({**SYSTEM, "LibraryMonitorDelay": 1, "IsStartupWizardCompleted": False})),
        ],
        ServiceProblem,
        "jellyfin_setup",
    ),
}


@pytest.mark.parametrize(("script", "kind", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_failures(script: list[tuple[Any, ...]], kind: type[MediaserverError], message: str) -> None:
    http = ScriptedHttp(HEALTHY, *script)
    with pytest.raises(kind) as caught:
        run(http, system={"LibraryMonitorDelay": 1})
    assert message in str(caught.value)
    http.finish()


def test_one_wrong_value_anywhere_stops_everything() -> None:
    http = ScriptedHttp(HEALTHY, (READ, json_of(SYSTEM)), (f"{READ}/encoding", json_of(ENCODING)))
    with pytest.raises(InvalidValue, match="EncodingThreadCount takes a number"):
        run(http, system={"LibraryMonitorDelay": 1}, encoding={"EncodingThreadCount": "two"})
    http.finish()


def test_check_mode_before_the_first_real_run() -> None:
    told = run(
        ScriptedHttp(("GET /health", REFUSED)),
        check=True,
        system={"LibraryMonitorDelay": 1},
        network={"Password": "s3"},
    )
    assert told["changed"]
    assert set(told["changes"]) == {"system.LibraryMonitorDelay", "network.Password"}
    assert "s3" not in repr(told)
    assert told["warnings"] == [f"nobody listens at {URL}; foretold without having seen the present values"]


def test_check_mode_waits_for_a_server_that_is_coming() -> None:
    http = ScriptedHttp(("GET /health", LOADING), ("GET /health", LOADING), HEALTHY, (READ, json_of(SYSTEM)))
    assert run(http, check=True, system={"LibraryMonitorDelay": 1})["changed"]
