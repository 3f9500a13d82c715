# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module jellyfin_user over a socket, on the double of the server in both versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.modules import jellyfin_user
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_runs import Runs

FIRST, SECOND = "first-Pass-1 ä", "second-Pass-2"


@pytest.fixture(params=["10.11", "12.0"])
def runs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Runs]:
    runs = Runs(tmp_path, request.param, monkeypatch, capfd)
    runs.secrets = [FIRST, json.dumps(FIRST)[1:-1], SECOND]
    for name in ("Movies", "Cartoons"):
        runs.host.add_library(runs.host.media(name), name=name)
    yield runs
    runs.host.server.stop()


def accounts(runs: Runs) -> dict[str, dict[str, Any]]:
    return {user["Name"]: user["Policy"] for user in runs.host.call("GET", "/Users").json}


def folder(runs: Runs, name: str) -> str:
    return str(runs.host.library(name)["ItemId"])


def member(name: str = "guest", **more: Any) -> dict[str, Any]:
    return {"name": name, "password": FIRST, **more}


def test_creates_accounts_idempotently(runs: Runs) -> None:
    wanted = [
        member(),
        member(
            "child",
            libraries=["Cartoons"],
            transcoding=False,
            policy={"EnableContentDownloading": False, "MaxParentalRating": 12},
        ),
        member("co-admin", administrator=True),
    ]
    done = runs.four_times(jellyfin_user, users=wanted)
    assert done["changes"]["child.policy.libraries"] == {"before": None, "after": ["Cartoons"]}
    found = accounts(runs)
    assert found["guest"]["EnableAllFolders"] is True
    child = found["child"]
    assert (child["EnableAllFolders"], child["EnabledFolders"]) == (False, [folder(runs, "Cartoons")])
    for key in ("EnableVideoPlaybackTranscoding", "EnableAudioPlaybackTranscoding", "EnableContentDownloading"):
        assert child[key] is False
    assert child["MaxParentalRating"] == 12
    assert {name: policy["IsAdministrator"] for name, policy in found.items()} == {
        **{"admin": True, "guest": False, "child": False, "co-admin": True}
    }
    for name in ("guest", "child", "co-admin"):
        assert runs.host.login(name, FIRST, device=name).status == 200


def test_case_of_a_name_is_ignored_and_other_values_are_kept(runs: Runs) -> None:
    runs.run(jellyfin_user, users=[member("Guest", policy={"MaxActiveSessions": 3})])
    before = accounts(runs)["Guest"]
    done = runs.four_times(jellyfin_user, users=[member("gUEST", libraries=["Movies", "Cartoons", "Movies"])])
    assert done["actions"] == ["write policy of Guest"]
    folders = sorted((folder(runs, "Movies"), folder(runs, "Cartoons")))
    assert accounts(runs)["Guest"] == {**before, "EnableAllFolders": False, "EnabledFolders": folders}
    done = runs.four_times(jellyfin_user, users=[member(libraries=None)])
    assert accounts(runs)["Guest"] == {**before, "EnabledFolders": folders}


def test_account_may_have_no_library(runs: Runs) -> None:
    runs.four_times(jellyfin_user, users=[member(libraries=[])])
    policy = accounts(runs)["guest"]
    assert (policy["EnableAllFolders"], policy["EnabledFolders"]) == (False, [])


def test_password_is_set_on_create_or_always(runs: Runs) -> None:
    runs.run(jellyfin_user, users=[member()])
    assert not runs.run(jellyfin_user, users=[member(password=SECOND)])["changed"]
    assert runs.host.login("guest", FIRST).status == 200
    always = [member(password=SECOND, update_password="always")]
    done = runs.four_times(jellyfin_user, users=always)
    assert done["changes"] == {"guest.password": {"before": "(hidden)", "after": "(hidden, changed)"}}
    assert runs.host.login("guest", FIRST).status == 401
    assert runs.host.login("guest", SECOND).status == 200


def test_password_check_leaves_no_session(runs: Runs) -> None:
    always = [member(update_password="always")]
    runs.run(jellyfin_user, users=always)
    before = len(runs.host.server.application.state["devices"])
    assert not runs.run(jellyfin_user, users=always)["changed"]
    assert "POST /Users/AuthenticateByName" in runs.writes
    assert len(runs.host.server.application.state["devices"]) == before


def test_last_administrator_is_kept(runs: Runs) -> None:
    # Without the option, the right is not changed.
    assert not runs.run(jellyfin_user, users=[{"name": "admin"}])["changed"]
    for change in ({"administrator": False}, {"state": "absent"}):
        refused = runs.run(jellyfin_user, users=[{"name": "admin", **change}], allow_removal=True)
        assert "the last administrator" in refused["msg"]
        assert runs.writes == []
    # The new administrator is created before the old one loses the right, in any order of the list.
    wanted = [{"name": "admin", "administrator": False}, member("new", administrator=True)]
    runs.four_times(jellyfin_user, users=wanted)
    # The token of a demoted account is invalid (recorded).
    runs.host.token = runs.host.login("new", FIRST, device="new").json["AccessToken"]
    assert {name: policy["IsAdministrator"] for name, policy in accounts(runs).items()} == {"admin": False, "new": True}


def test_removes_only_when_allowed(runs: Runs) -> None:
    runs.run(jellyfin_user, users=[member()])
    gone = [{"name": "GUEST", "state": "absent"}, {"name": "never-was", "state": "absent"}]
    assert "allow_removal" in runs.run(jellyfin_user, users=gone)["msg"]
    assert runs.writes == []
    runs.four_times(jellyfin_user, users=gone, allow_removal=True)
    assert set(accounts(runs)) == {"admin"}


def test_blocked_folders_are_removed(runs: Runs) -> None:
    runs.run(jellyfin_user, users=[member(libraries=["Movies"])])
    user = next(user for user in runs.host.call("GET", "/Users").json if user["Name"] == "guest")
    body = {**user["Policy"], "BlockedMediaFolders": [folder(runs, "Cartoons")]}
    assert runs.host.call("POST", f"/Users/{user['Id']}/Policy", body).status == 204
    done = runs.four_times(jellyfin_user, users=[member(libraries=["Movies"])])
    assert set(done["changes"]) == {"guest.policy.BlockedMediaFolders"}


def test_library_access_is_repaired_after_a_rename(runs: Runs) -> None:
    """Jellyfin derives a library's id from its name, and a policy keeps the old id."""
    runs.run(jellyfin_user, users=[member(libraries=["Cartoons"])])
    before = folder(runs, "Cartoons")
    renamed = {"name": "Cartoons", "newName": "Animation", "refreshLibrary": "true"}
    assert runs.host.call("POST", "/Library/VirtualFolders/Name", **renamed).status == 204
    runs.host.pass_time(10)
    done = runs.four_times(jellyfin_user, users=[member(libraries=["Animation"])])
    after = folder(runs, "Animation")
    assert done["changes"] == {"guest.policy.EnabledFolders": {"before": [before], "after": [after]}}
    runs.host.token = runs.host.login("guest", FIRST, device="guest").json["AccessToken"]
    assert [view["Name"] for view in runs.host.call("GET", "/UserViews").json["Items"]] == ["Animation"]


def test_check_mode_warns_about_missing_libraries(runs: Runs) -> None:
    # Ansible prints each warning once per process.
    new = f"New in {runs.host.server.version}"
    predicted = runs.run(jellyfin_user, users=[member(libraries=[new])], check=True)
    assert predicted["changed"]
    assert f"must be created first: {new}" in " ".join(runs.warnings.split())
    runs.host.server.stop()
    predicted = runs.run(jellyfin_user, users=[member(libraries=[new])], check=True)
    assert predicted["actions"] == ["create account guest", "write policy of guest"]
    assert "no server listens" in " ".join(runs.warnings.split())
    runs.host.start(runs.host.server.version)


REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "unknown library": ([member(libraries=["movies"])], "this server has no 'movies'; use some of Cartoons, Movies"),
    "no password": ([{"name": "guest"}], "password is missing, but the account is new"),
    "empty password": ([member(password="")], "password is empty"),
    "blank password": ([member(password="  ")], "password is empty"),
    "always without a password": ([{"name": "admin", "update_password": "always"}], "password is missing"),
    "twice": ([member(), member("GUEST")], "listed twice"),
    "bad name": ([member("a/b")], "is not a valid name"),
    "unknown key": ([member(policy={"EnableContentDownload": True})], "is EnableContentDownloading meant?"),
    "wrong type": ([member(policy={"EnableContentDownloading": "no"})], "must be true or false"),
    "own option": ([member(policy={"isAdministrator": True})], "must not be set there; use the option administrator"),
    "own option, folders": ([member(policy={"EnabledFolders": []})], "must not be set there; use the option libraries"),
}


@pytest.mark.parametrize(("users", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_invalid_input_writes_nothing(runs: Runs, users: list[dict[str, Any]], message: str) -> None:
    answer = runs.run(jellyfin_user, users=[member("other"), *users])
    assert answer.get("failed"), answer
    assert message in answer["msg"]
    assert runs.writes == []


def test_new_account_with_a_rejected_policy_is_removed(runs: Runs) -> None:
    runs.documents = False
    users = [member("first"), member(libraries=["Movies"], policy={"SyncPlayAccess": "Sometimes"})]
    answer = runs.run(jellyfin_user, users=users)
    assert "could not write policy of guest" in answer["msg"]
    assert set(accounts(runs)) == {"admin", "first"}


def test_existing_account_with_a_rejected_policy_is_kept(runs: Runs) -> None:
    runs.run(jellyfin_user, users=[member()])
    runs.documents = False
    # A new account that was completed before is kept as well.
    users = [member("first"), member(policy={"SyncPlayAccess": "Sometimes"})]
    answer = runs.run(jellyfin_user, users=users)
    assert "could not write policy of guest" in answer["msg"]
    assert set(accounts(runs)) == {"admin", "guest", "first"}
