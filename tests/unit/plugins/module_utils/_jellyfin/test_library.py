# SPDX-License-Identifier: GPL-3.0-or-later
"""The use case of jellyfin_library with a scripted server: all calls in their order, and no others."""

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
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.library import JellyfinLibraries, present
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.library_model import parse_wanted
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jellyfin.doubles import (
    HEALTHY,
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
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.transmission_doubles import Clock

LIST = "GET /Library/VirtualFolders"
BASE = "/Library/VirtualFolders"
ERROR = said("Error processing request.", 400)
SCAN = ("POST /Library/Refresh", NOTHING, NO_BODY)
REPEATED = 100


def tasks(state: str) -> tuple[str, Response]:
    other = {"Key": "Other", "State": "Idle"}
    return "GET /ScheduledTasks", json_of([other, {"Key": "RefreshLibrary", "State": state}])


def library(*locations: str, name: str = "Movies", infos: list[str] | None = None, **more: Any) -> dict[str, Any]:
    options = {"EnableRealtimeMonitor": True, "SeasonZeroDisplayName": "Extras", **more}
    options["PathInfos"] = [{"Path": path} for path in (list(locations) if infos is None else infos)]
    kind = {"CollectionType": "movies", "LibraryOptions": options, "ItemId": f"id of {name}"}
    return {"Name": name, "Locations": list(locations), **kind}


def listing(*libraries: dict[str, Any]) -> tuple[str, Response]:
    return LIST, json_of(list(libraries))


def movies(*paths: str, **more: Any) -> dict[str, Any]:
    return {"name": "Movies", "type": "movies", "paths": list(paths), **more}


def run(
    http: ScriptedHttp, *wanted: dict[str, Any], check: bool = False, clock: Clock | None = None, **allow: bool
) -> dict[str, Any]:
    client = client_of(http, clock=clock)
    result = JellyfinLibraries(
        client,
        parse_wanted(wanted),
        allow_removal=allow.get("removal", False),
        allow_type_change=allow.get("type_change", False),
        timeout=60,
        check_mode=check,
        authorise=lambda: setattr(client, "token", "k"),
    ).run()
    http.finish()
    return {**present(result), "warnings": result.warnings}


def test_reads_once_without_a_difference() -> None:
    done = run(ScriptedHttp(HEALTHY, listing(library("/m"))), movies("/m"))
    assert done == {
        "changed": False,
        "changes": {},
        "actions": [],
        "diff": {"before": {}, "after": {}},
        "warnings": [],
    }


def test_order_of_the_servers_lists_is_ignored() -> None:
    """The order is not stable, so neither the plan nor the result may depend on it."""
    shelves = [library("/b", "/a", "/x"), library("/o", name="Other"), library("/s", name="Shows")]
    wanted = (movies("/a", "/b"), {"name": "Other", "state": "absent"}, movies("/s", name="Shows"))
    predicted = []
    for found in (shelves, shelves[::-1], [{**one, "Locations": one["Locations"][::-1]} for one in shelves]):
        http = ScriptedHttp(HEALTHY, HEALTHY, listing(*found))
        predicted.append(run(http, *wanted, check=True, removal=True))
    assert predicted[0]["actions"] == ["delete library Other", "remove path /x of Movies", "scan all libraries"]
    assert predicted == [predicted[0]] * 3


def test_creates_a_library() -> None:
    http = ScriptedHttp(
        HEALTHY,
        listing(library("/o", name="Other")),
        (
            f"POST {BASE}?name=Movies%20%26%20more&collectionType=movies&refreshLibrary=true",
            NOTHING,
            {"LibraryOptions": {"EnablePhotos": False, "PathInfos": [{"Path": "/with, comma"}]}},
        ),
        listing(library("/o", name="Other"), library("/with, comma", name="Movies & more", EnablePhotos=False)),
        listing(library("/o", name="Other"), library("/with, comma", name="Movies & more", EnablePhotos=False)),
    )
    done = run(http, movies("/with, comma", name="Movies & more", options={"EnablePhotos": False, "Enabled": None}))
    assert done["actions"] == ["create library Movies & more"]
    assert all('Token="k"' in headers["Authorization"] for headers in http.headers[1:])


def test_deletes_a_library() -> None:
    http = ScriptedHttp(
        HEALTHY,
        listing(library("/m")),
        (f"DELETE {BASE}?name=Movies&refreshLibrary=true", NOTHING, NO_BODY),
        listing(),
    )
    assert run(http, {"name": "Movies", "state": "absent"}, removal=True)["actions"] == ["delete library Movies"]


def test_repairs_one_path_and_removes_another() -> None:
    add = f"POST {BASE}/Paths?refreshLibrary="
    remove = f"DELETE {BASE}/Paths?name=Movies&path=%2F"
    body = {"Name": "Movies", "PathInfo": {"Path": "/m"}}
    http = ScriptedHttp(
        HEALTHY,
        listing(library("/m", "/gone", infos=["/gone"])),
        (f"{remove}gone&refreshLibrary=false", NOTHING, NO_BODY),
        (f"{add}false", NOTHING, body),
        *[(f"{remove}m&refreshLibrary=false", NOTHING, NO_BODY)] * 2,
        (f"{add}true", NOTHING, body),
        listing(library("/m")),
    )
    done = run(http, movies("/m"))
    before = {"Locations": ["/gone", "/m"], "PathInfos": ["/gone"]}
    assert done["changes"] == {"Movies.paths": {"before": before, "after": ["/m"]}}


def test_options_are_merged_into_the_current_object() -> None:
    before, now = library("/m", EnableRealtimeMonitor=False), library("/m", EnableRealtimeMonitor=False, Late=1)
    after = library("/m", Late=1)
    http = ScriptedHttp(
        HEALTHY,
        listing(before),
        listing(now),
        (f"POST {BASE}/LibraryOptions", NOTHING, {"Id": "id of Movies", "LibraryOptions": after["LibraryOptions"]}),
        SCAN,
        listing(after),
    )
    done = run(http, movies("/m", options={"EnableRealtimeMonitor": True}))
    assert done["actions"] == ["write options of Movies: EnableRealtimeMonitor", "scan all libraries"]


def test_check_mode_reads_only() -> None:
    wanted = [movies("/a", options={"EnablePhotos": True}), {"name": "Old", "state": "absent"}]
    wanted.append({"name": "Other", "type": "books", "paths": ["/b"]})
    found = listing(library("/m", EnablePhotos=False), library("/o", name="Old"), library("/b", name="Other"))
    predicted = run(ScriptedHttp(HEALTHY, HEALTHY, found), *wanted, check=True, removal=True, type_change=True)
    assert predicted["actions"][0] == "delete library Old"
    assert len(predicted["actions"]) == 7


def test_check_mode_predicts_without_a_server() -> None:
    predicted = run(
        ScriptedHttp(("GET /health", REFUSED)), movies("/m"), {"name": "Old", "state": "absent"}, check=True
    )
    assert predicted["actions"] == ["create library Movies"]
    assert predicted["warnings"] == [f"no server listens at {URL}; predicted without the current libraries"]


def test_incomplete_library_is_polled_then_scanned() -> None:
    partial = {"Name": "Movies", "Locations": ["/m"], "CollectionType": "movies"}
    whole = listing(library("/m"))
    running, idle = tasks("Running"), tasks("Idle")
    assert not run(ScriptedHttp(HEALTHY, *[listing(partial)] * 3, whole), movies("/m"))["changed"]
    # Only a scan completes it; one is started, and the run waits for it.
    scanned = [*[listing(partial)] * 4, SCAN]
    clock = Clock()
    http = ScriptedHttp(HEALTHY, *scanned, *[running, listing(partial)] * 50, running, whole)
    done = run(http, movies("/m"), clock=clock)
    assert (done["changed"], done["actions"]) == (True, ["scan all libraries"])
    assert clock.monotonic() >= 50
    # Check mode predicts the scan, and does not wait for unmanaged libraries.
    predicted = run(ScriptedHttp(HEALTHY, HEALTHY, *[listing(partial)] * 4), movies("/m"), check=True)
    assert (predicted["changed"], predicted["actions"]) == (True, ["scan all libraries"])
    run(ScriptedHttp(HEALTHY, HEALTHY, listing(partial)), movies("/n", name="New"), check=True)
    # The run ends when the scan has ended without effect, and when it takes longer than the timeout.
    with pytest.raises(ServiceProblem, match="Movies is listed without ItemId or LibraryOptions, also after a scan"):
        run(ScriptedHttp(HEALTHY, *scanned, idle, listing(partial)), movies("/m"))
    with pytest.raises(ServiceProblem, match=r"also \d+ s after the start of a scan"):
        run(ScriptedHttp(HEALTHY, *scanned, *[running, listing(partial)] * REPEATED), movies("/m"))


CREATE = f"POST {BASE}?name=Movies&collectionType=movies&refreshLibrary=true"
OTHER_NAME = library("/m", name="Movies2")
OFF = library("/m", EnableRealtimeMonitor=False)
WRITE = f"POST {BASE}/LibraryOptions"
FAILURES: dict[str, tuple[list[tuple[Any, ...]], type[MediaserverError], str]] = {
    "invalid key": ([(LIST, UNAUTHORISED)], AccessDenied, "jellyfin_setup replaces an invalid key in api_key_file"),
    "not Jellyfin": ([(LIST, json_of({}))], ProtocolError, "not a list of JSON objects"),
    "not a library": ([(LIST, json_of([{"Name": 1}]))], ProtocolError, "an entry without a name"),
    "broken database": ([(LIST, said("", 500))], ProtocolError, "status 500"),
    "missing folder": ([listing(), (CREATE, ERROR)], ProtocolError, "Movies: the server cannot read the folder /m."),
    "another name": (
        [listing(), (CREATE, NOTHING), listing(OTHER_NAME)],
        NotTaken,
        "Movies is not listed, only",
    ),
    "missing folder, added": (
        [
            listing(library("/n")),
            (f"DELETE {BASE}/Paths?name=Movies&path=%2Fn&refreshLibrary=false", NOTHING),
            (f"POST {BASE}/Paths?refreshLibrary=true", Response(404)),
        ],
        ProtocolError,
        "libraries: Movies: the server cannot read the folder /m.",
    ),
    "rejected value": ([listing(OFF), listing(OFF), (WRITE, ERROR)], ProtocolError, "It rejects one of the values"),
    "removed by another program": ([listing(OFF), listing()], ServiceProblem, "another program may have removed it"),
    "ignored value": (
        [listing(OFF), listing(OFF), (WRITE, NOTHING), SCAN, listing(OFF)],
        NotTaken,
        "these are still needed: write options of Movies: EnableRealtimeMonitor",
    ),
    "duplicate made by another program": (
        [listing(OFF), listing(OFF), (WRITE, NOTHING), SCAN, listing(library("/m"), library("/m", name="X"))],
        NotTaken,
        "but then: libraries: /m of Movies and /m of X",
    ),
}


@pytest.mark.parametrize(("script", "kind", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_fault_ends_in_an_error(script: list[tuple[Any, ...]], kind: type[MediaserverError], message: str) -> None:
    http = ScriptedHttp(HEALTHY, *script)
    with pytest.raises(kind) as caught:
        run(http, movies("/m", options={"EnableRealtimeMonitor": True}))
    assert message in str(caught.value)
    http.finish()


def test_one_invalid_library_stops_the_run() -> None:
    http = ScriptedHttp(HEALTHY, listing(library("/o", name="Old")))
    with pytest.raises(InvalidValue, match="allow_removal"):
        run(http, movies("/m"), {"name": "Old", "state": "absent"})
    http.finish()


RECREATE = f"POST {BASE}?name=Movies&collectionType=tvshows&refreshLibrary=true"
DELETE = (f"DELETE {BASE}?name=Movies&refreshLibrary=true", NOTHING)


@pytest.mark.parametrize(
    "script",
    [[(DELETE[0], SILENT)], [DELETE, (RECREATE, REFUSED)], [DELETE, (RECREATE, ERROR)]],
    ids=["response lost", "server down", "rejected"],
)
def test_lost_library_is_reported_with_its_options(script: list[tuple[Any, ...]]) -> None:
    tried = (f"POST {BASE}/Paths?refreshLibrary=false", NOTHING)
    http = ScriptedHttp(HEALTHY, listing(library("/m", EnablePhotos=False)), tried, *script)
    with pytest.raises(ServiceProblem) as caught:
        run(http, movies("/m", type="tvshows", options={"EnableRealtimeMonitor": True}), type_change=True)
    assert str(caught.value).endswith('they were: {"EnablePhotos": false, "SeasonZeroDisplayName": "Extras"}')
    http.finish()


def test_failed_removal_does_not_mention_options() -> None:
    http = ScriptedHttp(HEALTHY, listing(library("/m")), (DELETE[0], SILENT))
    with pytest.raises(Unreachable) as caught:
        run(http, {"name": "Movies", "state": "absent"}, removal=True)
    assert "they were" not in str(caught.value)
