# SPDX-License-Identifier: GPL-3.0-or-later
"""The use case of jellyfin_user with a scripted server: all calls in their order, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    AccessDenied,
    MediaserverError,
    NotTaken,
    ProtocolError,
    ServiceProblem,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user import JellyfinUsers, present
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user_model import User, parse_users
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jellyfin.doubles import (
    HEALTHY,
    NO_BODY,
    NOTHING,
    REFUSED,
    UNAUTHORISED,
    ScriptedHttp,
    client_of,
    json_of,
    said,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jellyfin.users import (
    ADMIN,
    ID,
    POLICY,
    SECRET,
    SOME,
    has,
)


def shown(user: User) -> dict[str, Any]:
    return {"Name": user.name, "Id": user.id, "Policy": dict(user.policy)}


def listing(*users: User) -> tuple[str, Response]:
    return "GET /Users", json_of([shown(user) for user in users])


def one(user: User) -> tuple[str, Response]:
    return f"GET /Users/{user.id}", json_of(shown(user))


def run(http: ScriptedHttp, *users: dict[str, Any], check: bool = False, removal: bool = False) -> dict[str, Any]:
    client = client_of(http)
    result = JellyfinUsers(
        client,
        parse_users(users),
        allow_removal=removal,
        timeout=60,
        check_mode=check,
        authorise=lambda: setattr(client, "token", "k"),
    ).run()
    http.finish()
    answer = {**present(result), "warnings": result.warnings}
    assert SECRET not in repr(answer)
    return answer


GUEST = {"name": "guest", "password": SECRET}
LIBRARIES = (
    "GET /Library/VirtualFolders",
    json_of([{"Name": n, "ItemId": i, "LibraryOptions": {"Enabled": True}} for n, i in ID.items()]),
)
NEW = ("POST /Users/New", json_of(shown(has())), {"Name": "guest", "Password": SECRET})


def test_creates_an_account_with_its_policy() -> None:
    limited = has(**SOME)
    http = ScriptedHttp(
        HEALTHY,
        listing(ADMIN),
        LIBRARIES,
        NEW,
        listing(ADMIN, has()),
        one(has()),
        ("POST /Users/id-of-guest/Policy", NOTHING, {**POLICY, **SOME}),
        one(limited),
    )
    done = run(http, {**GUEST, "libraries": ["Movies"]})
    assert done["actions"] == ["create account guest", "write policy of guest"]
    assert all('Token="k"' in headers["Authorization"] for headers in http.headers[1:])


def test_libraries_are_not_read_without_need() -> None:
    assert not run(ScriptedHttp(HEALTHY, listing(ADMIN, has())), GUEST)["changed"]


def test_policy_is_merged_into_the_current_one() -> None:
    now = has(MaxActiveSessions=5)
    http = ScriptedHttp(
        HEALTHY,
        listing(has()),
        listing(has()),
        one(now),
        (
            "POST /Users/id-of-guest/Policy",
            NOTHING,
            {**now.policy, "EnableAudioPlaybackTranscoding": False, "EnableVideoPlaybackTranscoding": False},
        ),
        one(has(EnableAudioPlaybackTranscoding=False, EnableVideoPlaybackTranscoding=False)),
    )
    assert run(http, {**GUEST, "transcoding": False})["changed"]


LOGIN = "POST /Users/AuthenticateByName"
ALWAYS = {**GUEST, "update_password": "always"}


def test_password_check_uses_a_separate_session_and_ends_it() -> None:
    http = ScriptedHttp(
        HEALTHY,
        listing(has()),
        (LOGIN, json_of({"AccessToken": "visit"}), {"Username": "guest", "Pw": SECRET}),
        ("POST /Sessions/Logout", NOTHING, NO_BODY),
    )
    assert not run(http, ALWAYS)["changed"]
    tokens = [headers.get("Authorization", "") for headers in http.headers]
    assert 'Token="k"' in tokens[1]
    assert "Token" not in tokens[2]
    assert 'Token="visit"' in tokens[3]
    # A second login with the same DeviceId would end the first session.
    devices = [token.partition("DeviceId=")[2].partition(",")[0] for token in tokens]
    assert devices[2] == devices[3] != devices[1]


def test_different_password_is_set() -> None:
    http = ScriptedHttp(
        HEALTHY,
        listing(has()),
        (LOGIN, UNAUTHORISED),
        listing(has()),
        ("POST /Users/Password?userId=id-of-guest", NOTHING, {"NewPw": SECRET}),
    )
    assert run(http, ALWAYS)["actions"] == ["set password of guest"]


def test_account_that_may_not_log_in_now_keeps_its_password() -> None:
    """With limits on sessions, devices or hours, the server rejects the correct password as well (403)."""
    predicted = run(ScriptedHttp(HEALTHY, listing(has()), (LOGIN, said("Error processing request.", 403))), ALWAYS)
    assert not predicted["changed"]
    assert "guest cannot be checked and is not changed" in predicted["warnings"][0]


def test_session_that_cannot_be_ended_is_a_warning() -> None:
    http = ScriptedHttp(
        HEALTHY, listing(has()), (LOGIN, json_of({"AccessToken": "v"})), ("POST /Sessions/Logout", said("", 500))
    )
    assert "could not be ended" in run(http, ALWAYS)["warnings"][0]


def test_disabled_account_gets_its_password_without_a_check() -> None:
    off = has(IsDisabled=True)
    script = [HEALTHY, listing(off), listing(off)]
    http = ScriptedHttp(*script, ("POST /Users/Password?userId=id-of-guest", NOTHING, {"NewPw": SECRET}))
    assert run(http, ALWAYS)["changed"]


def test_removes_an_account() -> None:
    http = ScriptedHttp(HEALTHY, listing(ADMIN, has()), ("DELETE /Users/id-of-guest", NOTHING, NO_BODY))
    assert run(http, {"name": "Guest", "state": "absent"}, removal=True)["changed"]


def test_check_mode_reads_only() -> None:
    predicted = run(
        ScriptedHttp(HEALTHY, HEALTHY, listing(ADMIN), LIBRARIES), {**GUEST, "libraries": ["New"]}, check=True
    )
    assert predicted["changed"]
    assert predicted["warnings"] == ["libraries that do not exist yet and must be created first: New"]
    predicted = run(ScriptedHttp(("GET /health", REFUSED)), {**GUEST, "libraries": ["New"]}, check=True)
    assert predicted["actions"] == ["create account guest", "write policy of guest"]


BEFORE = [listing(ADMIN), NEW, listing(ADMIN, has())]
BAD = said("", 400)
CUT = Unreachable("the connection was cut in the middle of the answer")
UNDONE = [listing(ADMIN, has()), ("DELETE /Users/id-of-guest", NOTHING, NO_BODY)]
FAILURES: dict[str, tuple[list[tuple[Any, ...]], type[MediaserverError], str]] = {
    "invalid key": (
        [("GET /Users", UNAUTHORISED)],
        AccessDenied,
        "jellyfin_setup replaces an invalid key",
    ),
    "not Jellyfin": ([("GET /Users", json_of([{"Name": "x"}]))], ProtocolError, "without Name, Id or Policy"),
    "rejected account": ([listing(ADMIN), ("POST /Users/New", BAD)], ProtocolError, "could not create account guest"),
    "connection lost after the account was created": (
        [listing(ADMIN), ("POST /Users/New", CUT), *UNDONE],
        Unreachable,
        "POST",
    ),
    "connection lost before the account was created": (
        [listing(ADMIN), ("POST /Users/New", CUT), listing(ADMIN)],
        Unreachable,
        "POST",
    ),
    "connection lost, account cannot be removed": (
        [listing(ADMIN), ("POST /Users/New", CUT), ("GET /Users", CUT)],
        ServiceProblem,
        "has access to every library until the next run",
    ),
    "rejected policy": (
        [*BEFORE, one(has()), ("POST /Users/id-of-guest/Policy", BAD), *UNDONE],
        ProtocolError,
        "could not write policy of guest",
    ),
    "ignored policy": (
        [*BEFORE, one(has()), ("POST /Users/id-of-guest/Policy", NOTHING), one(has()), *UNDONE],
        NotTaken,
        "accepted, but then guest.policy.MaxActiveSessions is 0",
    ),
    "rejected policy, account cannot be removed": (
        [*BEFORE, one(has()), ("POST /Users/id-of-guest/Policy", BAD), UNDONE[0], ("DELETE /Users/id-of-guest", BAD)],
        ServiceProblem,
        "has access to every library until the next run",
    ),
    "removed by another program": (
        [listing(ADMIN), NEW, listing(ADMIN), listing(ADMIN)],
        ServiceProblem,
        "no longer listed",
    ),
}


@pytest.mark.parametrize(("script", "kind", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_fault_ends_in_an_error(script: list[tuple[Any, ...]], kind: type[MediaserverError], message: str) -> None:
    http = ScriptedHttp(HEALTHY, *script)
    with pytest.raises(kind) as caught:
        run(http, {**GUEST, "policy": {"MaxActiveSessions": 2}})
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)
    http.finish()
