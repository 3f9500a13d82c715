# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of accounts: by a table, and by properties with a model of the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user_model import User, WantedUser
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user_plan import (
    CreateUser,
    DeleteUser,
    SetPassword,
    WritePolicy,
    plan_users,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jellyfin.users import (
    ADMIN,
    ALL,
    DASHED,
    ID,
    SECRET,
    SOME,
    has,
)
from hypothesis import given
from hypothesis import strategies as st


def want(name: str = "guest", password: str | None = SECRET, **more: Any) -> WantedUser:
    return WantedUser(name, password, **more)


def write(policy: dict[str, Any], name: str = "guest") -> WritePolicy:
    return WritePolicy(name, policy)


TABLE: dict[str, tuple[list[WantedUser], list[User], list[Any]]] = {
    "nothing": ([], [ADMIN], []),
    "as wanted": ([want()], [has()], []),
    "another case": ([want("GUEST")], [has()], []),
    "new": ([want()], [ADMIN], [CreateUser("guest", SECRET), write(ALL)]),
    "removal": ([want(absent=True)], [has()], [DeleteUser("guest", "id-of-guest")]),
    "already absent": ([want(absent=True)], [], []),
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
        [want(fields={"transcoding": False})],
        [has(EnableAudioPlaybackTranscoding=False)],
        [write({**ALL, "EnableAudioPlaybackTranscoding": False, "EnableVideoPlaybackTranscoding": False})],
    ),
    "other keys": ([want(policy={"MaxActiveSessions": 2})], [has()], [write({**ALL, "MaxActiveSessions": 2})]),
    "null key": ([want(policy={"MaxParentalRating": 12})], [has()], [write({**ALL, "MaxParentalRating": 12})]),
    "administrator stays": ([want("admin")], [ADMIN], []),
    "password is valid": ([want(always_password=True)], [has(valid=True)], []),
    "password differs": ([want(always_password=True)], [has(valid=False)], [SetPassword("guest", SECRET)]),
    "password was not checked": ([want(always_password=True)], [has()], [SetPassword("guest", SECRET)]),
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
def test_plans_actions(wanted: list[WantedUser], found: list[User], actions: list[Any]) -> None:
    plan = plan_users(wanted, found, ID, allow_removal=True)
    assert list(plan.actions) == actions
    assert bool(plan) == bool(plan.changes) == bool(actions)
    assert SECRET not in repr(plan)
    assert SECRET not in repr(plan.changes.diff()) + "".join(map(str, plan.actions))


REFUSED_PLANS: dict[str, tuple[list[WantedUser], list[User], str]] = {
    "removal": ([want(absent=True)], [has()], "only with jellyfin_allow_removal"),
    "no password": ([want(password=None)], [ADMIN], "password is missing, but the account is new"),
    "unknown library": ([want(libraries=("Films",))], [has()], "no 'Films'; use some of Movies, TV"),
    "unknown key": ([want(policy={"Turbo": 1})], [has()], "has no Turbo"),
    "unknown key, new account": ([want(policy={"Turbo": 1})], [ADMIN], "has no Turbo"),
    "type": ([want(policy={"MaxActiveSessions": "2"})], [has()], "must be a number"),
    "type of null": ([want(policy={"MaxParentalRating": "2"})], [has()], "must be a number"),
    "last administrator": ([want("Admin", administrator=False)], [ADMIN, has()], "the last administrator"),
    "both administrators": (
        [want("admin", administrator=False), want("b", administrator=False)],
        [ADMIN, has("b", IsAdministrator=True)],
        "admin, b: the last administrator",
    ),
}


@pytest.mark.parametrize(("wanted", "found", "message"), REFUSED_PLANS.values(), ids=REFUSED_PLANS.keys())
def test_invalid_input_is_rejected(wanted: list[WantedUser], found: list[User], message: str) -> None:
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
        fields=st.just({}) | st.booleans().map(lambda value: {"transcoding": value}),
        administrator=st.none() | st.booleans(),
        absent=st.booleans(),
    ),
    unique_by=lambda user: user.name.casefold(),
)


class Model:
    """Models the server: it replaces whole policies, ignores the case of names, and keeps an administrator."""

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
        assert self._has_one() or not self.had_one, "the server would reject it"


@given(found=USERS, wanted=WISHES)
def test_plan_converges(found: tuple[User, ...], wanted: list[WantedUser]) -> None:
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
