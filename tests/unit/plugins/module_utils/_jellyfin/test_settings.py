# SPDX-License-Identifier: GPL-3.0-or-later
"""The use case of jellyfin_settings with a scripted server: all calls in their order, and no others."""

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
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jellyfin.doubles import (
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
    result = JellyfinSettings(
        client,
        sections,
        allow_unknown=False,
        may_restart=restart,
        timeout=10,
        check_mode=check,
        authorise=lambda: setattr(client, "token", "k"),
    ).run()
    http.finish()
    return {**present(result), "warnings": result.warnings}


def test_changes_nothing_without_a_difference() -> None:
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


def test_current_object_is_merged_written_and_read_back() -> None:
    """The server changes IsPortAuthorized when the network's ports are saved."""
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


def test_check_mode_predicts_the_run_and_writes_nothing() -> None:
    reads = [(READ, json_of(SYSTEM)), (f"{READ}/network", json_of(NETWORK))]
    system, network = {"EnableMetrics": True}, {"CertificatePassword": "new-Secret", "KnownProxies": ["10.0.0.1"]}
    predicted = run(ScriptedHttp(HEALTHY, HEALTHY, *reads), check=True, restart=True, system=system, network=network)
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
    assert done == predicted
    assert (done["changed"], done["restart_needed"], done["restarted"]) == (True, False, True)
    assert "Secret" not in repr(done)


@pytest.mark.parametrize("network", [{"KnownProxies": ["10.0.0.1"]}])
def test_needed_restart_is_only_reported_when_not_allowed(network: dict[str, Any]) -> None:
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


def test_restart_missed_by_an_earlier_run_is_made_up() -> None:
    on = {**SYSTEM, "EnableMetrics": True}
    look = (READ, json_of(on)), ("GET /metrics", Response(404))
    predicted = run(ScriptedHttp(HEALTHY, *look), system={"EnableMetrics": True})
    assert (predicted["changed"], predicted["restart_needed"], predicted["restarted"]) == (False, True, False)
    restart = [("POST /System/Restart", NOTHING), ("GET /health", REFUSED), HEALTHY]
    done = run(
        ScriptedHttp(HEALTHY, *look, *restart, ("GET /metrics", said("#"))),
        restart=True,
        system={"EnableMetrics": True},
    )
    assert (done["changed"], done["changes"], done["restarted"]) == (True, {}, True)
    with pytest.raises(NotTaken, match="Check whether a proxy"):
        run(
            ScriptedHttp(HEALTHY, *look, *restart, ("GET /metrics", Response(404))),
            restart=True,
            system={"EnableMetrics": True},
        )


INFO = "GET /System/Info"


@pytest.mark.parametrize("pending", [True, False, None])
def test_restart_that_the_server_reports_as_pending_is_made_up(pending: bool | None) -> None:
    look = [(f"{READ}/network", json_of(NETWORK)), (INFO, json_of({"HasPendingRestart": pending}))]
    predicted = run(ScriptedHttp(HEALTHY, *look), network={"KnownProxies": []})
    assert (predicted["changed"], predicted["restart_needed"], predicted["restarted"]) == (
        False,
        pending is True,
        False,
    )
    restart = [("POST /System/Restart", NOTHING), ("GET /health", REFUSED), HEALTHY] if pending else []
    done = run(ScriptedHttp(HEALTHY, *look, *restart), restart=True, network={"KnownProxies": []})
    assert (done["changed"], done["changes"], done["restarted"]) == (pending is True, {}, pending is True)


LOST: list[list[tuple[str, Any]]] = [
    [("POST /System/Restart", SILENT)],
    [("POST /System/Restart", NOTHING), ("GET /health", SILENT), *[("GET /health", LOADING)] * 3],
    [("POST /System/Restart", NOTHING), ("GET /health", said("Unhealthy"))],
]


@pytest.mark.parametrize("restart", LOST)
def test_failed_restart_is_reported(restart: list[tuple[str, Any]]) -> None:
    wanted = {**NETWORK, "KnownProxies": ["10.0.0.1"]}
    read = f"{READ}/network"
    writes = [(read, json_of(NETWORK)), (f"{WRITE}/network", NOTHING), (read, json_of(wanted))]
    http = ScriptedHttp(HEALTHY, (read, json_of(NETWORK)), *writes, *restart)
    with pytest.raises(ServiceProblem, match="All settings are written, but the server may not have restarted"):
        run(http, restart=True, network={"KnownProxies": ["10.0.0.1"]})
    http.finish()


def test_inaccessible_metrics_cause_no_restart() -> None:
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
def test_server_with_an_open_wizard_is_not_changed(found: dict[str, Any]) -> None:
    http = ScriptedHttp(HEALTHY, (READ, json_of({"LibraryMonitorDelay": 60, **found})))
    with pytest.raises(ServiceProblem, match="wizard"):
        run(http, system={"LibraryMonitorDelay": 1})
    # Also when the wizard opens between the two reads.
    http = ScriptedHttp(HEALTHY, (READ, json_of(SYSTEM)), (READ, json_of({"LibraryMonitorDelay": 60, **found})))
    with pytest.raises(ServiceProblem, match="wizard"):
        run(http, system={"LibraryMonitorDelay": 1})


FAILURES: dict[str, tuple[list[tuple[Any, ...]], type[MediaserverError], str]] = {
    "invalid key": ([(READ, UNAUTHORISED)], AccessDenied, "api_key or api_key_file: GET http"),
    "no administrator's key": ([(READ, Response(403))], AccessDenied, "api_key_file"),
    "not Jellyfin": ([(READ, json_of([]))], ProtocolError, "not a JSON object"),
    "bad value": (
        [(READ, json_of(SYSTEM)), (READ, json_of(SYSTEM)), (WRITE, said("Error processing request.", 500))],
        ProtocolError,
        "system: the server rejects one of the new values (with status 400 or 500",
    ),
    "ignored": (
        [(READ, json_of(SYSTEM)), (READ, json_of(SYSTEM)), (WRITE, NOTHING), (READ, json_of(SYSTEM))],
        NotTaken,
        "accepted, but then system.LibraryMonitorDelay is 60",
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
def test_fault_ends_in_an_error(script: list[tuple[Any, ...]], kind: type[MediaserverError], message: str) -> None:
    http = ScriptedHttp(HEALTHY, *script)
    with pytest.raises(kind) as caught:
        run(http, system={"LibraryMonitorDelay": 1})
    assert message in str(caught.value)
    http.finish()


def test_one_invalid_value_stops_the_run() -> None:
    http = ScriptedHttp(HEALTHY, (READ, json_of(SYSTEM)), (f"{READ}/encoding", json_of(ENCODING)))
    with pytest.raises(InvalidValue, match="EncodingThreadCount must be a number"):
        run(http, system={"LibraryMonitorDelay": 1}, encoding={"EncodingThreadCount": "two"})
    http.finish()


def test_check_mode_predicts_without_a_server() -> None:
    predicted = run(
        ScriptedHttp(("GET /health", REFUSED)),
        check=True,
        system={"LibraryMonitorDelay": 1},
        network={"Password": "s3"},
    )
    assert predicted["changed"]
    assert set(predicted["changes"]) == {"system.LibraryMonitorDelay", "network.Password"}
    assert "s3" not in repr(predicted)
    assert predicted["warnings"] == [f"no server listens at {URL}; predicted without the current values"]


def test_check_mode_waits_for_a_starting_server() -> None:
    http = ScriptedHttp(("GET /health", LOADING), ("GET /health", LOADING), HEALTHY, (READ, json_of(SYSTEM)))
    assert run(http, check=True, system={"LibraryMonitorDelay": 1})["changed"]
