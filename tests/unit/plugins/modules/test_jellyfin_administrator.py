# SPDX-License-Identifier: GPL-3.0-or-later
"""jellyfin_setup manages the administrator with the API key, on the double of the server in both versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import AccessDenied
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import (
    PASSWORD,
    SimulatedServer,
)

OTHER = "second-Pass-2"


def users(host: SimulatedServer) -> dict[str, dict[str, Any]]:
    key = host.key_file.read_text().strip()
    return {user["Name"]: user for user in host.client(key).get("/Users")}


def change_policy(host: SimulatedServer, name: str, **policy: Any) -> None:
    client = host.client(host.key_file.read_text().strip())
    user = users(host)[name]
    client.post(f"/Users/{user['Id']}/Policy", {**user["Policy"], **policy})


def add(host: SimulatedServer, name: str, *, administrator: bool = False) -> None:
    client = host.client(host.key_file.read_text().strip())
    client.post("/Users/New", {"Name": name, "Password": OTHER})
    change_policy(host, name, IsAdministrator=administrator)


def log_in(host: SimulatedServer, name: str, password: str) -> bool:
    try:
        return host.client().login(name, password)
    except AccessDenied:
        return False


def demoted(host: SimulatedServer) -> None:
    add(host, "bob", administrator=True)
    change_policy(host, "anna", IsAdministrator=False)


def deleted(host: SimulatedServer) -> None:
    add(host, "bob", administrator=True)
    host.client(host.key_file.read_text().strip()).delete(f"/Users/{users(host)['anna']['Id']}")


def other_password(host: SimulatedServer) -> None:
    client = host.client(host.key_file.read_text().strip())
    client.post("/Users/Password", {"NewPw": OTHER}, query={"userId": users(host)["anna"]["Id"]})


def locked_out(host: SimulatedServer) -> None:
    change_policy(host, "anna", LoginAttemptsBeforeLockout=2)
    for _ in range(2):
        assert not log_in(host, "anna", "wrong")


def renamed(host: SimulatedServer) -> None:
    client = host.client(host.key_file.read_text().strip())
    user = users(host)["anna"]
    client.post("/Users", {**user, "Name": "papa"}, query={"userId": user["Id"]})


def nothing(host: SimulatedServer) -> None:
    pass


# An event, and the changes that the module makes after it: in 10.11, in 12.0.
STATES: dict[str, tuple[Callable[[SimulatedServer], None], list[str], list[str]]] = {
    "nothing": (nothing, [], []),
    "demoted": (demoted, ["IsAdministrator"], ["IsAdministrator"]),
    "deleted": (deleted, ["account"], ["account"]),
    "another password": (other_password, ["password"], ["password"]),
    # 10.11 counts failed logins but does not lock the account (recorded).
    "locked out": (locked_out, [], ["IsDisabled", "password"]),
    "renamed": (renamed, ["account"], ["account"]),
}


@pytest.mark.parametrize(("happen", "in_10", "in_12"), STATES.values(), ids=STATES.keys())
def test_any_state_of_the_account_is_repaired(
    claimed: SimulatedServer, happen: Callable[[SimulatedServer], None], in_10: list[str], in_12: list[str]
) -> None:
    happen(claimed)
    expected = in_10 if claimed.version == "10.11" else in_12
    before = set(users(claimed))
    predicted = claimed.setup(_ansible_check_mode=True)
    assert set(users(claimed)) == before, "check mode created an account"
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


def test_other_name_creates_an_account_and_warns_about_the_first(claimed: SimulatedServer) -> None:
    # Ansible prints each warning once per process, and both versions run in one.
    name = f"berta {claimed.version}"
    done = claimed.setup(username=name, password=OTHER)
    assert done["administrator_changes"] == ["account"]
    assert f"other administrators than {name}: anna." in " ".join(claimed.warnings.split())
    found = users(claimed)
    assert {name: user["Policy"]["IsAdministrator"] for name, user in found.items()} == {"anna": True, name: True}
    # The rights that the wizard gives to the first account.
    for right in ("EnableContentDeletion", "EnableRemoteControlOfOtherUsers"):
        assert found[name]["Policy"][right] is found["anna"]["Policy"][right] is True
    assert log_in(claimed, "anna", PASSWORD)
    assert log_in(claimed, name, OTHER)


def test_listed_administrators_cause_no_warning(claimed: SimulatedServer) -> None:
    add(claimed, f"carla {claimed.version}", administrator=True)
    add(claimed, "dora")
    again = claimed.setup(other_administrators=[f"CARLA {claimed.version}"])
    assert not again["changed"]
    assert "other administrators" not in claimed.warnings
    claimed.setup()
    assert f"other administrators than anna: carla {claimed.version}." in " ".join(claimed.warnings.split())


def test_case_of_the_name_is_ignored(claimed: SimulatedServer) -> None:
    assert not claimed.setup(username="ANNA")["changed"]
    assert list(users(claimed)) == ["anna"]


def test_on_create_keeps_a_password_that_was_changed_later(claimed: SimulatedServer) -> None:
    other_password(claimed)
    assert not claimed.setup(update_password="on_create")["changed"]
    assert log_in(claimed, "anna", OTHER)


def test_password_check_ends_no_session_and_leaves_none(claimed: SimulatedServer) -> None:
    watching = claimed.administrator()
    devices = json.dumps(claimed.server.application.state["devices"])
    for check in (True, False):
        assert not claimed.setup(_ansible_check_mode=check)["changed"]
    assert watching.get("/Users/Me")["Name"] == "anna"
    assert json.dumps(claimed.server.application.state["devices"]) == devices


def test_account_locked_by_the_password_check_is_enabled_again(claimed: SimulatedServer) -> None:
    """One wrong password is allowed, and the trial is that one."""
    name = f"eva {claimed.version}"
    add(claimed, name, administrator=True)
    change_policy(claimed, name, LoginAttemptsBeforeLockout=1)
    wanted = {"username": name, "other_administrators": ["anna"]}
    assert claimed.setup(**wanted, _ansible_check_mode=True)["changed"] is False
    assert f"password of {name} is not checked in check mode" in " ".join(claimed.warnings.split())
    assert users(claimed)[name]["Policy"]["InvalidLoginAttemptCount"] == 0, "check mode has tried it"
    assert claimed.setup(**wanted)["administrator_changes"] == ["password"]
    policy = users(claimed)[name]["Policy"]
    assert (policy["IsDisabled"], policy["InvalidLoginAttemptCount"]) == (False, 0)
    assert log_in(claimed, name, PASSWORD)


def test_check_mode_never_locks_the_account(claimed: SimulatedServer) -> None:
    other_password(claimed)
    change_policy(claimed, "anna", LoginAttemptsBeforeLockout=3)
    for _ in range(6):
        claimed.setup(_ansible_check_mode=True)
    assert users(claimed)["anna"]["Policy"]["IsDisabled"] is False


def test_account_that_may_not_log_in_now_keeps_its_password(claimed: SimulatedServer) -> None:
    change_policy(claimed, "anna", EnableAllDevices=False, EnabledDevices=["living room"])
    assert not claimed.setup()["changed"]
    # The warning contains this server's port, so Ansible prints it again.
    assert "cannot be checked" in " ".join(claimed.warnings.split())


def test_name_that_the_server_rejects_is_named(claimed: SimulatedServer) -> None:
    refused = claimed.setup(username="a/b", password=OTHER)
    assert "the server rejects username 'a/b' or the password" in refused["msg"]
    assert list(users(claimed)) == ["anna"]
