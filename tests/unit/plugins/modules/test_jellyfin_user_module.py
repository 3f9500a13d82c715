# SPDX-License-Identifier: GPL-3.0-or-later
"""jellyfin_user, whole, over a socket, against the double of the server in both versions."""

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
        runs.house.add_library(runs.house.media(name), name=name)
    yield runs
    runs.house.server.stop()


def accounts(runs: Runs) -> dict[str, dict[str, Any]]:
    return {user["Name"]: user["Policy"] for user in runs.house.call("GET", "/Users").json}


def folder(runs: Runs, name: str) -> str:
    return str(runs.house.library(name)["ItemId"])


def member(name: str = "guest", **more: Any) -> dict[str, Any]:
    return {"name": name, "password": FIRST, **more}


def test_a_household_four_times(runs: Runs) -> None:
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
        assert runs.house.login(name, FIRST, device=name).status == 200


def test_a_member_of_another_case_is_changed_and_nothing_else_of_it(runs: Runs) -> None:
    runs.run(jellyfin_user, users=[member("Guest", policy={"MaxActiveSessions": 3})])
    before = accounts(runs)["Guest"]
    done = runs.four_times(jellyfin_user, users=[member("gUEST", libraries=["Movies", "Cartoons", "Movies"])])
    assert done["actions"] == ["write policy of Guest"]
    folders = sorted((folder(runs, "Movies"), folder(runs, "Cartoons")))
    assert accounts(runs)["Guest"] == {**before, "EnableAllFolders": False, "EnabledFolders": folders}
    done = runs.four_times(jellyfin_user, users=[member(libraries=None)])
    assert accounts(runs)["Guest"] == {**before, "EnabledFolders": folders}


def test_no_library_at_all(runs: Runs) -> None:
    runs.four_times(jellyfin_user, users=[member(libraries=[])])
    policy = accounts(runs)["guest"]
    assert (policy["EnableAllFolders"], policy["EnabledFolders"]) == (False, [])


def test_the_first_password_is_the_first_only(runs: Runs) -> None:
    runs.run(jellyfin_user, users=[member()])
    assert not runs.run(jellyfin_user, users=[member(password=SECOND)])["changed"]
    assert runs.house.login("guest", FIRST).status == 200
    always = [member(password=SECOND, update_password="always")]
    done = runs.four_times(jellyfin_user, users=always)
    assert done["changes"] == {"guest.password": {"before": "(hidden)", "after": "(hidden, changed)"}}
    assert runs.house.login("guest", FIRST).status == 401
    assert runs.house.login("guest", SECOND).status == 200


def test_trying_a_password_leaves_no_session(runs: Runs) -> None:
    always = [member(update_password="always")]
    runs.run(jellyfin_user, users=always)
    before = len(runs.house.server.application.state["devices"])
    assert not runs.run(jellyfin_user, users=always)["changed"]
    assert "POST /Users/AuthenticateByName" in runs.writes
    assert len(runs.house.server.application.state["devices"]) == before


def test_administrators(runs: Runs) -> None:
    # Not named: stays what it is.
    assert not runs.run(jellyfin_user, users=[{"name": "admin"}])["changed"]
    for change in ({"administrator": False}, {"state": "absent"}):
        refused = runs.run(jellyfin_user, users=[{"name": "admin", **change}], allow_removal=True)
        assert "the last administrator" in refused["msg"]
        assert runs.writes == []
    # Whoever comes is there before the other goes, in whatever order they are listed.
    wanted = [{"name": "admin", "administrator": False}, member("new", administrator=True)]
    runs.four_times(jellyfin_user, users=wanted)
    # The token of an account that was demoted is dead (recorded).
    runs.house.token = runs.house.login("new", FIRST, device="new").json["AccessToken"]
    assert {name: policy["IsAdministrator"] for name, policy in accounts(runs).items()} == {"admin": False, "new": True}


def test_removal_only_when_allowed(runs: Runs) -> None:
    runs.run(jellyfin_user, users=[member()])
    gone = [{"name": "GUEST", "state": "absent"}, {"name": "never-was", "state": "absent"}]
    assert "allow_removal" in runs.run(jellyfin_user, users=gone)["msg"]
    assert runs.writes == []
    runs.four_times(jellyfin_user, users=gone, allow_removal=True)
    assert set(accounts(runs)) == {"admin"}


def test_blocked_folders_would_decide_alone(runs: Runs) -> None:
    runs.run(jellyfin_user, users=[member(libraries=["Movies"])])
    user = next(user for user in runs.house.call("GET", "/Users").json if user["Name"] == "guest")
    body = {**user["Policy"], "BlockedMediaFolders": [folder(runs, "Cartoons")]}
    assert runs.house.call("POST", f"/Users/{user['Id']}/Policy", body).status == 204
    done = runs.four_times(jellyfin_user, users=[member(libraries=["Movies"])])
    assert set(done["changes"]) == {"guest.policy.BlockedMediaFolders"}


def test_what_a_member_may_see_is_repaired_after_a_rename(runs: Runs) -> None:
    """Jellyfin makes a library's id from its name, and a policy goes on naming the old one."""
    runs.run(jellyfin_user, users=[member(libraries=["Cartoons"])])
    before = folder(runs, "Cartoons")
    renamed = {"name": "Cartoons", "newName": "Animation", "refreshLibrary": "true"}
    assert runs.house.call("POST", "/Library/VirtualFolders/Name", **renamed).status == 204
    runs.house.pass_time(10)
    done = runs.four_times(jellyfin_user, users=[member(libraries=["Animation"])])
    after = folder(runs, "Animation")
    assert done["changes"] == {"guest.policy.EnabledFolders": {"before": [before], "after": [after]}}
    runs.house.token = runs.house.login("guest", FIRST, device="guest").json["AccessToken"]
    assert [view["Name"] for view in runs.house.call("GET", "/UserViews").json["Items"]] == ["Animation"]


def test_check_mode_before_what_it_needs_is_there(runs: Runs) -> None:
    # Ansible says the same warning once in a process.
    new = f"New in {runs.house.server.version}"
    told = runs.run(jellyfin_user, users=[member(libraries=[new])], check=True)
    assert told["changed"]
    assert f"must be made before: {new}" in " ".join(runs.warnings.split())
    runs.house.server.stop()
    told = runs.run(jellyfin_user, users=[member(libraries=[new])], check=True)
    assert told["actions"] == ["create account guest", "write policy of guest"]
    assert "nobody listens" in " ".join(runs.warnings.split())
    runs.house.start(runs.house.server.version)


REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "unknown library": ([member(libraries=["movies"])], "this server has no 'movies', but Cartoons, Movies"),
    "no password": ([{"name": "guest"}], "password is needed"),
    "empty password": ([member(password="")], "password is empty"),
    "blank password": ([member(password="  ")], "password is empty"),
    "nothing to keep": ([{"name": "admin", "update_password": "always"}], "there is no password"),
    "twice": ([member(), member("GUEST")], "listed twice"),
    "bad name": ([member("a/b")], "a name takes letters"),
    "unknown key": ([member(policy={"EnableContentDownload": True})], "is it EnableContentDownloading?"),
    "wrong type": ([member(policy={"EnableContentDownloading": "no"})], "takes true or false"),
    "own option": ([member(policy={"isAdministrator": True})], "has an option of its own, administrator"),
    "own option, folders": ([member(policy={"EnabledFolders": []})], "has an option of its own, libraries"),
}


@pytest.mark.parametrize(("users", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_write_nothing(runs: Runs, users: list[dict[str, Any]], message: str) -> None:
    answer = runs.run(jellyfin_user, users=[member("other"), *users])
    assert answer.get("failed"), answer
    assert message in answer["msg"]
    assert runs.writes == []


def test_a_new_account_whose_rights_are_refused_does_not_stay_and_see_everything(runs: Runs) -> None:
    runs.documents = False
    users = [member("first"), member(libraries=["Movies"], policy={"SyncPlayAccess": "Sometimes"})]
    answer = runs.run(jellyfin_user, users=users)
    assert "could not write policy of guest" in answer["msg"]
    assert set(accounts(runs)) == {"admin", "first"}


def test_an_old_account_whose_rights_are_refused_stays(runs: Runs) -> None:
    runs.run(jellyfin_user, users=[member()])
    runs.documents = False
    # Nor does a new one go that was finished before.
    users = [member("first"), member(policy={"SyncPlayAccess": "Sometimes"})]
    answer = runs.run(jellyfin_user, users=users)
    assert "could not write policy of guest" in answer["msg"]
    assert set(accounts(runs)) == {"admin", "guest", "first"}
