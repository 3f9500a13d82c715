# SPDX-License-Identifier: GPL-3.0-or-later
"""jellyfin_setup keeps the administrator with the API key alone, against the double of the server in both versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import AccessDenied
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import PASSWORD, House

OTHER = "second-Pass-2"


def users(house: House) -> dict[str, dict[str, Any]]:
    key = house.key_file.read_text().strip()
    return {user["Name"]: user for user in house.client(key).get("/Users")}


def change_policy(house: House, name: str, **policy: Any) -> None:
    client = house.client(house.key_file.read_text().strip())
    user = users(house)[name]
    client.post(f"/Users/{user['Id']}/Policy", {**user["Policy"], **policy})


def add(house: House, name: str, *, administrator: bool = False) -> None:
    client = house.client(house.key_file.read_text().strip())
    client.post("/Users/New", {"Name": name, "Password": OTHER})
    change_policy(house, name, IsAdministrator=administrator)


def log_in(house: House, name: str, password: str) -> bool:
    try:
        return house.client().login(name, password)
    except AccessDenied:
        return False


def demoted(house: House) -> None:
    add(house, "bob", administrator=True)
    change_policy(house, "anna", IsAdministrator=False)


def deleted(house: House) -> None:
    add(house, "bob", administrator=True)
    house.client(house.key_file.read_text().strip()).delete(f"/Users/{users(house)['anna']['Id']}")


def other_password(house: House) -> None:
    client = house.client(house.key_file.read_text().strip())
    client.post("/Users/Password", {"NewPw": OTHER}, query={"userId": users(house)["anna"]["Id"]})


def locked_out(house: House) -> None:
    change_policy(house, "anna", LoginAttemptsBeforeLockout=2)
    for _ in range(2):
        assert not log_in(house, "anna", "wrong")


def renamed(house: House) -> None:
    client = house.client(house.key_file.read_text().strip())
    user = users(house)["anna"]
    client.post("/Users", {**user, "Name": "papa"}, query={"userId": user["Id"]})


def nothing(house: House) -> None:
    pass


# What happened to the account, and what the module has to change: in 10.11, in 12.0.
STATES: dict[str, tuple[Callable[[House], None], list[str], list[str]]] = {
    "nothing": (nothing, [], []),
    "demoted": (demoted, ["IsAdministrator"], ["IsAdministrator"]),
    "deleted": (deleted, ["account"], ["account"]),
    "another password": (other_password, ["password"], ["password"]),
    # 10.11 counts failed logins and locks out no account (recorded).
    "locked out": (locked_out, [], ["IsDisabled", "password"]),
    "renamed": (renamed, ["account"], ["account"]),
}


@pytest.mark.parametrize(("happen", "in_10", "in_12"), STATES.values(), ids=STATES.keys())
def test_whatever_became_of_the_account_is_repaired(
    claimed: House, happen: Callable[[House], None], in_10: list[str], in_12: list[str]
) -> None:
    happen(claimed)
    expected = in_10 if claimed.version == "10.11" else in_12
    before = set(users(claimed))
    predicted = claimed.setup(_ansible_check_mode=True)
    assert set(users(claimed)) == before, "check mode has made an account"
    done = claimed.setup()
    assert done == predicted
    assert (done["changed"], done["administrator_changes"]) == (bool(expected), expected)
    after = users(claimed)
    assert set(after) == before | {"anna"}, "an account was removed or renamed"
    assert after["anna"]["Policy"]["IsAdministrator"] is True
    assert after["anna"]["Policy"]["IsDisabled"] is False
    assert log_in(claimed, "anna", PASSWORD)
    assert not log_in(claimed, "anna", OTHER)
    log_in(claimed, "anna", PASSWORD)
    for check in (True, False):
        again = claimed.setup(_ansible_check_mode=check)
        assert (again["changed"], again["administrator_changes"]) == (False, [])


def test_another_name_makes_that_account_and_names_the_other_in_a_warning(claimed: House) -> None:
    # Ansible says the same warning once in a process, and the versions share it.
    name = f"berta {claimed.version}"
    done = claimed.setup(username=name, password=OTHER)
    assert done["administrator_changes"] == ["account"]
    assert f"other administrators than {name}: anna." in " ".join(claimed.warnings.split())
    found = users(claimed)
    assert {name: user["Policy"]["IsAdministrator"] for name, user in found.items()} == {"anna": True, name: True}
    # What the wizard gives to the first one.
    for right in ("EnableContentDeletion", "EnableRemoteControlOfOtherUsers"):
        assert found[name]["Policy"][right] is found["anna"]["Policy"][right] is True
    assert log_in(claimed, "anna", PASSWORD)
    assert log_in(claimed, name, OTHER)


def test_administrators_that_the_inventory_names_are_not_warned_about(claimed: House) -> None:
    add(claimed, f"carla {claimed.version}", administrator=True)
    add(claimed, "dora")
    again = claimed.setup(other_administrators=[f"CARLA {claimed.version}"])
    assert not again["changed"]
    assert "other administrators" not in claimed.warnings
    claimed.setup()
    assert f"other administrators than anna: carla {claimed.version}." in " ".join(claimed.warnings.split())


def test_the_name_is_found_in_any_case(claimed: House) -> None:
    assert not claimed.setup(username="ANNA")["changed"]
    assert list(users(claimed)) == ["anna"]


def test_on_create_leaves_a_password_that_was_chosen_later(claimed: House) -> None:
    other_password(claimed)
    assert not claimed.setup(update_password="on_create")["changed"]
    assert log_in(claimed, "anna", OTHER)


def test_an_unchanged_password_ends_no_session_and_leaves_none(claimed: House) -> None:
    watching = claimed.administrator()
    devices = json.dumps(claimed.server.application.state["devices"])
    for check in (True, False):
        assert not claimed.setup(_ansible_check_mode=check)["changed"]
    assert watching.get("/Users/Me")["Name"] == "anna"
    assert json.dumps(claimed.server.application.state["devices"]) == devices


def test_a_trial_that_locks_the_account_out_is_undone(claimed: House) -> None:
    """One wrong password is allowed, and the trial is that one."""
    name = f"eva {claimed.version}"
    add(claimed, name, administrator=True)
    change_policy(claimed, name, LoginAttemptsBeforeLockout=1)
    wanted = {"username": name, "other_administrators": ["anna"]}
    assert claimed.setup(**wanted, _ansible_check_mode=True)["changed"] is False
    assert f"password of {name} is not tried in check mode" in " ".join(claimed.warnings.split())
    assert users(claimed)[name]["Policy"]["InvalidLoginAttemptCount"] == 0, "check mode has tried it"
    assert claimed.setup(**wanted)["administrator_changes"] == ["password"]
    policy = users(claimed)[name]["Policy"]
    assert (policy["IsDisabled"], policy["InvalidLoginAttemptCount"]) == (False, 0)
    assert log_in(claimed, name, PASSWORD)


def test_check_mode_alone_never_locks_the_account_out(claimed: House) -> None:
    other_password(claimed)
    change_policy(claimed, "anna", LoginAttemptsBeforeLockout=3)
    for _ in range(6):
        claimed.setup(_ansible_check_mode=True)
    assert users(claimed)["anna"]["Policy"]["IsDisabled"] is False


def test_an_account_that_may_not_log_in_now_keeps_its_password(claimed: House) -> None:
    change_policy(claimed, "anna", EnableAllDevices=False, EnabledDevices=["living room"])
    assert not claimed.setup()["changed"]
    # With the port of this server in it.
    assert "cannot be tried" in " ".join(claimed.warnings.split())


def test_a_name_that_the_server_refuses_is_named(claimed: House) -> None:
    refused = claimed.setup(username="a/b", password=OTHER)
    assert "username 'a/b', or password, is refused by the server" in refused["msg"]
    assert list(users(claimed)) == ["anna"]
