# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts: the plan by table and by property, the use case against a scripted server."""

from __future__ import annotations

from collections.abc import Sequence
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
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user import JellyfinUsers, present
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user_model import (
    User,
    WantedUser,
    parse_users,
)
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user_plan import (
    CreateUser,
    DeleteUser,
    SetPassword,
    WritePolicy,
    plan_users,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.jellyfin_doubles import (
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
from hypothesis import given
from hypothesis import strategies as st

POLICY: dict[str, Any] = {
    "IsAdministrator": False,
    "IsDisabled": False,
    "EnableAllFolders": True,
    "EnabledFolders": [],
    "BlockedMediaFolders": [],
    "EnableAudioPlaybackTranscoding": True,
    "EnableVideoPlaybackTranscoding": True,
    "MaxActiveSessions": 0,
    "PasswordResetProviderId": "reset",
    "AuthenticationProviderId": "login",
}
ID = {"Movies": "ab" * 16, "TV": "cd" * 16}
DASHED = "ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB"
ALL = {"BlockedMediaFolders": [], "EnableAllFolders": True}
SECRET = "a-Secret-1"


def has(name: str = "guest", *, fits: bool | None = None, **policy: Any) -> User:
    return User(f"id-of-{name.lower()}", name, {**POLICY, **policy}, fits)


ADMIN = has("admin", IsAdministrator=True)
SOME = {"EnableAllFolders": False, "EnabledFolders": [ID["Movies"]], "BlockedMediaFolders": []}


def want(name: str = "guest", password: str | None = SECRET, **more: Any) -> WantedUser:
    return WantedUser(name, password, **more)


def write(policy: dict[str, Any], name: str = "guest") -> WritePolicy:
    return WritePolicy(name, policy)


TABLE: dict[str, tuple[list[WantedUser], list[User], list[Any]]] = {
    "nothing": ([], [ADMIN], []),
    "as wanted": ([want()], [has()], []),
    "another case": ([want("GUEST")], [has()], []),
    "new": ([want()], [ADMIN], [CreateUser("guest", SECRET), write(ALL)]),
    "goes": ([want(absent=True)], [has()], [DeleteUser("guest", "id-of-guest")]),
    "gone already": ([want(absent=True)], [], []),
    "libraries": ([want(libraries=("Movies",))], [has()], [write(SOME)]),
    "libraries as they are, dashed": ([want(libraries=("Movies",))], [has(**{**SOME, "EnabledFolders": [DASHED]})], []),
    "order does not matter": (
        [want(libraries=("Movies", "TV"))],
        [has(EnableAllFolders=False, EnabledFolders=[ID["TV"], ID["Movies"]])],
        [],
    ),
    "all again": ([want()], [has(**SOME)], [write(ALL)]),
    "blocked": ([want()], [has(BlockedMediaFolders=[ID["TV"]])], [write(ALL)]),
    "no transcoding": (
        [want(transcoding=False)],
        [has(EnableAudioPlaybackTranscoding=False)],
        [write({**ALL, "EnableAudioPlaybackTranscoding": False, "EnableVideoPlaybackTranscoding": False})],
    ),
    "other keys": ([want(policy={"MaxActiveSessions": 2})], [has()], [write({**ALL, "MaxActiveSessions": 2})]),
    "null key": ([want(policy={"MaxParentalRating": 12})], [has()], [write({**ALL, "MaxParentalRating": 12})]),
    "administrator stays": ([want("admin")], [ADMIN], []),
    "password is right": ([want(always_password=True)], [has(fits=True)], []),
    "password is another": ([want(always_password=True)], [has(fits=False)], [SetPassword("guest", SECRET)]),
    "password cannot be told": ([want(always_password=True)], [has()], [SetPassword("guest", SECRET)]),
    "new administrator first": (
        [want("admin", administrator=False), want("old", absent=True), want(administrator=True)],
        [ADMIN, has("old", IsAdministrator=True)],
        [
            CreateUser("guest", SECRET),
            write({**ALL, "IsAdministrator": True}),
            write({**ALL, "IsAdministrator": False}, "admin"),
            DeleteUser("old", "id-of-old"),
        ],
    ),
}


@pytest.mark.parametrize(("wanted", "found", "actions"), TABLE.values(), ids=TABLE.keys())
def test_steps(wanted: list[WantedUser], found: list[User], actions: list[Any]) -> None:
    plan = plan_users(wanted, found, ID, allow_removal=True)
    assert list(plan.actions) == actions
    assert bool(plan) == bool(plan.changes) == bool(actions)
    assert SECRET not in repr(plan)
    assert SECRET not in repr(plan.changes.diff()) + "".join(map(str, plan.actions))


REFUSED_PLANS: dict[str, tuple[list[WantedUser], list[User], str]] = {
    "removal": ([want(absent=True)], [has()], "only with jellyfin_allow_removal"),
    "no password": ([want(password=None)], [ADMIN], "password is needed"),
    "unknown library": ([want(libraries=("Films",))], [has()], "no 'Films', but Movies, TV"),
    "unknown key": ([want(policy={"Turbo": 1})], [has()], "has no Turbo"),
    "unknown key, new account": ([want(policy={"Turbo": 1})], [ADMIN], "has no Turbo"),
    "type": ([want(policy={"MaxActiveSessions": "2"})], [has()], "takes a number"),
    "type of null": ([want(policy={"MaxParentalRating": "2"})], [has()], "takes a number"),
    "last administrator": ([want("Admin", administrator=False)], [ADMIN, has()], "the last administrator"),
    "both administrators": (
        [want("admin", administrator=False), want("b", administrator=False)],
        [ADMIN, has("b", IsAdministrator=True)],
        "admin, b: the last administrator",
    ),
}


@pytest.mark.parametrize(("wanted", "found", "message"), REFUSED_PLANS.values(), ids=REFUSED_PLANS.keys())
def test_refusals(wanted: list[WantedUser], found: list[User], message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        plan_users(wanted, found, ID)
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)


# --- by property ------------------------------------------------------------------------------------------------------

NAMES = ("ada", "Bo", "CY")
USERS = st.lists(st.sampled_from(NAMES), unique=True, min_size=1).flatmap(
    lambda names: st.tuples(
        *(
            st.builds(
                lambda name, admin, everything, folders, blocked: has(
                    name,
                    IsAdministrator=admin,
                    EnableAllFolders=everything,
                    EnabledFolders=folders,
                    BlockedMediaFolders=blocked,
                ),
                st.just(name),
                st.booleans(),
                st.booleans(),
                st.lists(st.sampled_from([*ID.values(), DASHED])),
                st.lists(st.sampled_from([*ID.values()])),
            )
            for name in names
        )
    )
)
WISHES = st.lists(
    st.builds(
        WantedUser,
        st.sampled_from([*NAMES, "dee"]),
        st.just(SECRET),
        libraries=st.none() | st.lists(st.sampled_from(["Movies", "TV"]), unique=True).map(tuple),
        transcoding=st.none() | st.booleans(),
        administrator=st.none() | st.booleans(),
        absent=st.booleans(),
    ),
    unique_by=lambda user: user.name.casefold(),
)


class Model:
    """Whole policies, names without regard to case, and never without an administrator."""

    def __init__(self, users: Sequence[User]) -> None:
        self.users = {user.name: user for user in users}
        self.had_one = self._has_one()

    def _has_one(self) -> bool:
        return any(user.administrator for user in self.users.values())

    def take(self, action: Any) -> None:
        match action:
            case CreateUser(name, _):
                assert name.casefold() not in {known.casefold() for known in self.users}
                self.users[name] = has(name)
            case WritePolicy(name, policy):
                self.users[name] = User(name, name, {**self.users[name].policy, **policy})
            case DeleteUser(name, _):
                del self.users[name]
        assert self._has_one() or not self.had_one, "the server would refuse it"


@given(found=USERS, wanted=WISHES)
def test_done_is_done(found: tuple[User, ...], wanted: list[WantedUser]) -> None:
    model = Model(found)
    try:
        plan = plan_users(wanted, found, ID, allow_removal=True)
    except InvalidValue as error:
        assert "the last administrator" in str(error)
        return
    for action in plan.actions:
        model.take(action)
    assert not plan_users(wanted, list(model.users.values()), ID, allow_removal=True)
    for user in found:
        if user.name not in {wish.name for wish in wanted}:
            assert model.users[user.name] == user


# --- the use case -----------------------------------------------------------------------------------------------------


def shown(user: User) -> dict[str, Any]:
    return {"Name": user.name, "Id": user.id, "Policy": dict(user.policy)}


def listing(*users: User) -> tuple[str, Response]:
    return "GET /Users", json_of([shown(user) for user in users])


def one(user: User) -> tuple[str, Response]:
    return f"GET /Users/{user.id}", json_of(shown(user))


def run(http: ScriptedHttp, *users: dict[str, Any], check: bool = False, removal: bool = False) -> dict[str, Any]:
    client = client_of(http)
    outcome = JellyfinUsers(
        client,
        parse_users(users),
        allow_removal=removal,
        timeout=60,
        check_mode=check,
        authorise=lambda: setattr(client, "token", "k"),
    ).run()
    http.finish()
    answer = {**present(outcome), "warnings": outcome.warnings}
    assert SECRET not in repr(answer)
    return answer


GUEST = {"name": "guest", "password": SECRET}
LIBRARIES = (
    "GET /Library/VirtualFolders",
    json_of([{"Name": n, "ItemId": i, "LibraryOptions": {"Enabled": True}} for n, i in ID.items()]),
)
NEW = ("POST /Users/New", json_of(shown(has())), {"Name": "guest", "Password": SECRET})


def test_a_new_member() -> None:
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


def test_nothing_to_do_does_not_ask_for_libraries() -> None:
    assert not run(ScriptedHttp(HEALTHY, listing(ADMIN, has())), GUEST)["changed"]


def test_the_policy_as_it_is_now_is_merged() -> None:
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


def test_a_password_is_tried_by_somebody_else_and_the_session_ended() -> None:
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
    # A second login with one DeviceId would end the first one's session.
    devices = [token.partition("DeviceId=")[2].partition(",")[0] for token in tokens]
    assert devices[2] == devices[3] != devices[1]


def test_another_password_is_set() -> None:
    http = ScriptedHttp(
        HEALTHY,
        listing(has()),
        (LOGIN, UNAUTHORISED),
        listing(has()),
        ("POST /Users/Password?userId=id-of-guest", NOTHING, {"NewPw": SECRET}),
    )
    assert run(http, ALWAYS)["actions"] == ["set password of guest"]


def test_who_may_not_log_in_now_keeps_password_and_sessions() -> None:
    """Too many sessions, another device, not at this hour: the server says no to the right password as well."""
    told = run(ScriptedHttp(HEALTHY, listing(has()), (LOGIN, said("Error processing request.", 403))), ALWAYS)
    assert not told["changed"]
    assert "guest cannot be tried, and is left as it is" in told["warnings"][0]


def test_a_session_that_cannot_be_ended_is_a_warning() -> None:
    http = ScriptedHttp(
        HEALTHY, listing(has()), (LOGIN, json_of({"AccessToken": "v"})), ("POST /Sessions/Logout", said("", 500))
    )
    assert "could not be ended" in run(http, ALWAYS)["warnings"][0]


def test_a_disabled_account_is_not_tried() -> None:
    off = has(IsDisabled=True)
    script = [HEALTHY, listing(off), listing(off)]
    http = ScriptedHttp(*script, ("POST /Users/Password?userId=id-of-guest", NOTHING, {"NewPw": SECRET}))
    assert run(http, ALWAYS)["changed"]


def test_removal() -> None:
    http = ScriptedHttp(HEALTHY, listing(ADMIN, has()), ("DELETE /Users/id-of-guest", NOTHING, NO_BODY))
    assert run(http, {"name": "Guest", "state": "absent"}, removal=True)["changed"]


def test_check_mode_reads_only() -> None:
    told = run(ScriptedHttp(HEALTHY, HEALTHY, listing(ADMIN), LIBRARIES), {**GUEST, "libraries": ["New"]}, check=True)
    assert told["changed"]
    assert told["warnings"] == ["libraries that are not there and must be made before: New"]
    told = run(ScriptedHttp(("GET /health", REFUSED)), {**GUEST, "libraries": ["New"]}, check=True)
    assert told["actions"] == ["create account guest", "write policy of guest"]


BEFORE = [listing(ADMIN), NEW, listing(ADMIN, has())]
BAD = said("", 400)
CUT = Unreachable("the connection was cut in the middle of the answer")
UNDONE = [listing(ADMIN, has()), ("DELETE /Users/id-of-guest", NOTHING, NO_BODY)]
FAILURES: dict[str, tuple[list[tuple[Any, ...]], type[MediaserverError], str]] = {
    "dead key": ([("GET /Users", UNAUTHORISED)], AccessDenied, "jellyfin_setup repairs a file with a dead key"),
    "not Jellyfin": ([("GET /Users", json_of([{"Name": "x"}]))], ProtocolError, "without Name, Id or Policy"),
    "refused account": ([listing(ADMIN), ("POST /Users/New", BAD)], ProtocolError, "could not create account guest"),
    "cut off after the account was made": (
        [listing(ADMIN), ("POST /Users/New", CUT), *UNDONE],
        Unreachable,
        "POST",
    ),
    "cut off before the account was made": (
        [listing(ADMIN), ("POST /Users/New", CUT), listing(ADMIN)],
        Unreachable,
        "POST",
    ),
    "cut off, and it cannot be taken back": (
        [listing(ADMIN), ("POST /Users/New", CUT), ("GET /Users", CUT)],
        ServiceProblem,
        "may see every library until the next run",
    ),
    "refused policy": (
        [*BEFORE, one(has()), ("POST /Users/id-of-guest/Policy", BAD), *UNDONE],
        ProtocolError,
        "could not write policy of guest",
    ),
    "ignored policy": (
        [*BEFORE, one(has()), ("POST /Users/id-of-guest/Policy", NOTHING), one(has()), *UNDONE],
        NotTaken,
        "accepted, and then guest.policy.MaxActiveSessions is 0",
    ),
    "refused policy, and it cannot be taken back": (
        [*BEFORE, one(has()), ("POST /Users/id-of-guest/Policy", BAD), UNDONE[0], ("DELETE /Users/id-of-guest", BAD)],
        ServiceProblem,
        "may see every library until the next run",
    ),
    "gone meanwhile": ([listing(ADMIN), NEW, listing(ADMIN), listing(ADMIN)], ServiceProblem, "not listed any more"),
}


@pytest.mark.parametrize(("script", "kind", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_failures(script: list[tuple[Any, ...]], kind: type[MediaserverError], message: str) -> None:
    http = ScriptedHttp(HEALTHY, *script)
    with pytest.raises(kind) as caught:
        run(http, {**GUEST, "policy": {"MaxActiveSessions": 2}})
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)
    http.finish()
