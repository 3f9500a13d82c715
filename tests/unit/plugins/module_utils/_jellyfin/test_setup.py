# SPDX-License-Identifier: GPL-3.0-or-later
"""The use case of jellyfin_setup with a scripted server: all calls in their order, and no others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    AccessDenied,
    FileProblem,
    InvalidValue,
    MediaserverError,
    NotTaken,
    ProtocolError,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.secret_file import SecretFile
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.administrator import WantedAdministrator
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.key_file import KeyFile, load_key
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.setup import (
    JellyfinSetup,
    SetupState,
    is_claimed,
    plan_setup,
    present,
)
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.wizard import WizardAnswers
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jellyfin.doubles import (
    HEALTHY,
    LOADING,
    NO_BODY,
    NOTHING,
    REFUSED,
    UNAUTHORISED,
    URL,
    ScriptedHttp,
    client_of,
    json_of,
    said,
)
from hypothesis import given
from hypothesis import strategies as st

KEY, OTHER = "cec3b93b3d2df265831c9570b7bd6807", "00f618e69abd6944a359e6819759bb23"
PASSWORD = "first-Pass-1"
NEW = {"ServerName": "mediaserver", "Version": "12.0.0", "Id": "1034d0d6", "StartupWizardCompleted": False}
CLAIMED = {**NEW, "StartupWizardCompleted": True}
PROPOSED = {"ServerName": "", "UICulture": "en-US", "MetadataCountryCode": "US", "PreferredMetadataLanguage": "en"}

INFO_NEW = ("GET /System/Info/Public", json_of(NEW))
INFO = ("GET /System/Info/Public", json_of(CLAIMED))
CREDENTIALS = {"Username": "anna", "Pw": PASSWORD}
LOGIN = ("POST /Users/AuthenticateByName", json_of({"AccessToken": "s3ss10n"}), CREDENTIALS)
NO_LOGIN = ("POST /Users/AuthenticateByName", said("Error processing request.", 401), CREDENTIALS)
CONFIGURATION = ("GET /Startup/Configuration", json_of(PROPOSED), NO_BODY)
NO_LIBRARIES = ("GET /Library/VirtualFolders", json_of([]))
CONFIGURE = ("POST /Startup/Configuration", NOTHING, {**PROPOSED, "ServerName": "home"})
FIRST_USER = ("GET /Startup/User", json_of({"Name": "root"}))
MAKE_USER = ("POST /Startup/User", NOTHING, {"Name": "anna", "Password": PASSWORD})
FINISH = [
    ("POST /Startup/RemoteAccess", NOTHING, {"EnableRemoteAccess": True}),
    ("POST /Startup/Complete", NOTHING, NO_BODY),
    ("GET /Startup/Configuration", UNAUTHORISED),
    INFO,
]
MAKE_KEY = ("POST /Auth/Keys?app=household", NOTHING, NO_BODY)
WORKS = ("GET /System/Info", json_of({}))
DEAD = ("GET /System/Info", UNAUTHORISED)
LOGOUT = ("POST /Sessions/Logout", NOTHING, NO_BODY)
POLICY = {"IsAdministrator": True, "IsDisabled": False}
ACCOUNTS = ("GET /Users", json_of([{"Name": "anna", "Id": "a1", "Policy": POLICY}]))
# Calls for a valid key and an administrator without differences.
KEPT = [WORKS, ACCOUNTS, LOGIN, LOGOUT]


def keys(*pairs: tuple[str, str, str]) -> tuple[str, Response]:
    items = [{"AppName": name, "AccessToken": token, "DateCreated": date} for name, token, date in pairs]
    return "GET /Auth/Keys", json_of({"Items": items, "TotalRecordCount": len(items), "StartIndex": 0})


OURS = keys(("other", OTHER, "2026-01-01"), ("household", KEY, "2026-11-23"))
NOT_OURS = keys(("other", OTHER, "2026-01-01"))
FRESH_WIZARD = [NO_LOGIN, CONFIGURATION, NO_LIBRARIES, CONFIGURE, FIRST_USER, MAKE_USER, *FINISH]
RESUMED_WIZARD = [LOGIN, CONFIGURATION, CONFIGURE, *FINISH]
CREATE_KEY = [NOT_OURS, MAKE_KEY, OURS, WORKS, LOGOUT]

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "api-key"


@pytest.fixture
def run(path: Path) -> Run:
    def run(*script: tuple[Any, ...], check: bool = False, owner: str = "") -> dict[str, Any]:
        http = ScriptedHttp(*script)
        hidden: set[str] = set()
        synced: list[bool] = []
        try:
            result = JellyfinSetup(
                client_of(http),
                answers=WizardAnswers("anna", PASSWORD, server_name="home"),
                administrator=WantedAdministrator("anna", PASSWORD),
                app_name="household",
                file=KeyFile(str(path), owner=owner),
                timeout=10,
                check_mode=check,
                hide=hidden.add,
                sync=lambda: synced.append(path.exists()),
            ).run()
        finally:
            http.finish()
        shown = {**present(result), "warnings": result.warnings}
        assert not any(secret in repr(shown) for secret in (KEY, OTHER, PASSWORD, "s3ss10n"))
        assert path.exists() is False or path.read_text().strip() in ("", "broken", *hidden)
        assert all(hidden)
        # The server's files are synced before the key file proves that the wizard is completed.
        assert not shown["api_key_written"] or check or len(synced) == 1
        return shown

    return run


def test_completes_the_wizard_of_a_new_server(run: Run, path: Path) -> None:
    done = run(HEALTHY, INFO_NEW, *FRESH_WIZARD, LOGIN, *CREATE_KEY)
    assert done == {
        "changed": True,
        "wizard_completed": True,
        "wizard_run": True,
        "api_key_created": True,
        "api_key_written": True,
        "administrator_changes": [],
        "server_version": "12.0.0",
        "server_id": "1034d0d6",
        "server_name": "mediaserver",
        "diff": {
            "before": {"wizard_completed": False},
            "after": {"wizard_completed": True, "api_key_file": "a valid API key"},
        },
        "warnings": [],
    }
    assert path.read_text() == f"{KEY}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(str(path)) == KEY
    again = run(HEALTHY, INFO, *KEPT)
    assert (again["changed"], again["wizard_run"], again["api_key_created"]) == (False, False, False)


def test_check_mode_predicts_and_writes_nothing(run: Run, path: Path) -> None:
    predicted = run(HEALTHY, HEALTHY, INFO_NEW, check=True)
    assert not path.exists()
    done = run(HEALTHY, INFO_NEW, *FRESH_WIZARD, LOGIN, *CREATE_KEY)
    assert predicted["diff"] == done["diff"]
    assert (predicted["api_key_created"], predicted["wizard_run"]) == (None, True)
    again = run(HEALTHY, HEALTHY, INFO, *KEPT, check=True)
    assert (again["changed"], again["api_key_created"]) == (False, False)


def test_check_mode_predicts_without_a_server(run: Run) -> None:
    predicted = run(("GET /health", REFUSED), ("GET /health", REFUSED), check=True)
    assert (predicted["changed"], predicted["wizard_run"], predicted["server_id"]) == (True, True, "")
    assert predicted["warnings"] == [f"no server listens at {URL}; predicted as for a new server"]


def test_real_run_waits_for_the_server(run: Run) -> None:
    start = [("GET /health", answer) for answer in (REFUSED, said("Degraded"), REFUSED, LOADING)]
    assert run(*start, HEALTHY, INFO_NEW, *FRESH_WIZARD, LOGIN, *CREATE_KEY)["wizard_run"]
    with pytest.raises(Unreachable, match="connection is refused"):
        run(*[("GET /health", REFUSED)] * 11)


def test_unfinished_wizard_is_resumed_without_a_second_user(run: Run, path: Path) -> None:
    done = run(HEALTHY, INFO_NEW, *RESUMED_WIZARD, *CREATE_KEY)
    assert (done["wizard_run"], done["api_key_created"]) == (True, True)
    assert path.read_text() == f"{KEY}\n"


def test_unfinished_wizard_with_another_password_is_an_error(run: Run, path: Path) -> None:
    forbidden = ("POST /Startup/User", Response(403))
    with pytest.raises(AccessDenied, match=r"password: the wizard is unfinished, its first user root"):
        run(HEALTHY, INFO_NEW, NO_LOGIN, CONFIGURATION, NO_LIBRARIES, CONFIGURE, FIRST_USER, forbidden)
    assert not path.exists()


def test_reopened_wizard_of_a_server_in_use_is_rejected(run: Run) -> None:
    libraries = ("GET /Library/VirtualFolders", json_of([{"Name": "Movies"}]))
    with pytest.raises(AccessDenied, match="it was in use before"):
        run(HEALTHY, INFO_NEW, NO_LOGIN, CONFIGURATION, libraries)


def test_name_that_the_server_rejects_is_named(run: Run) -> None:
    bad = ("POST /Startup/User", said("Error processing request.", 400))
    with pytest.raises(InvalidValue, match="the server rejects username 'anna' or the password"):
        run(HEALTHY, INFO_NEW, NO_LOGIN, CONFIGURATION, NO_LIBRARIES, CONFIGURE, FIRST_USER, bad)


def test_wizard_that_stays_open_is_an_error(run: Run) -> None:
    steps = FRESH_WIZARD[:-2]
    with pytest.raises(NotTaken, match="open to every client"):
        run(HEALTHY, INFO_NEW, *steps, CONFIGURATION)
    with pytest.raises(NotTaken, match="the wizard is still open"):
        run(HEALTHY, INFO_NEW, *steps, ("GET /Startup/Configuration", UNAUTHORISED), INFO_NEW)


def test_invalid_key_is_replaced_by_the_existing_one(run: Run, path: Path) -> None:
    path.write_text(f"{OTHER}\n")
    done = run(HEALTHY, INFO, DEAD, HEALTHY, DEAD, HEALTHY, LOGIN, OURS, WORKS, LOGOUT)
    assert (done["changed"], done["api_key_created"], done["api_key_written"]) == (True, False, True)
    assert done["diff"]["before"]["api_key_file"] == "no valid API key"
    assert path.read_text() == f"{KEY}\n"


def test_valid_key_is_kept_while_the_server_loads(run: Run, path: Path) -> None:
    path.write_text(KEY)
    path.chmod(0o600)
    assert not run(HEALTHY, INFO, DEAD, ("GET /health", LOADING), HEALTHY, *KEPT)["changed"]


@pytest.mark.parametrize("content", ["", "broken", "two words", "\x00\x01", "ü" * 20])
def test_file_without_a_key_is_repaired(run: Run, path: Path, content: str) -> None:
    path.write_text(content)
    assert run(HEALTHY, INFO, LOGIN, OURS, WORKS, LOGOUT)["api_key_written"]
    assert path.read_text() == f"{KEY}\n"


def test_wrong_password_names_the_option_and_changes_nothing(run: Run, path: Path) -> None:
    path.write_text("broken")
    with pytest.raises(AccessDenied) as caught:
        run(HEALTHY, INFO, NO_LOGIN)
    assert str(caught.value).startswith("username and password are not those of an administrator of this server")
    assert PASSWORD not in str(caught.value)
    assert path.read_text() == "broken"


def test_oldest_of_several_keys_is_used(run: Run, path: Path) -> None:
    several = keys(("household", OTHER, "2026-11-24"), ("household", KEY, "2026-11-23"), ("Household", OTHER, "2020"))
    run(HEALTHY, INFO, LOGIN, several, WORKS, LOGOUT)
    assert path.read_text() == f"{KEY}\n"


PROBLEMS: dict[str, tuple[list[tuple[Any, ...]], type[MediaserverError], str]] = {
    "no administrator": ([("GET /Auth/Keys", Response(403)), LOGOUT], AccessDenied, "must be that of an administrator"),
    "no list": ([("GET /Auth/Keys", json_of({"Items": {}})), LOGOUT], ProtocolError, "not a list"),
    "invalid key": ([keys(("household", "a b", "2026")), LOGOUT], ProtocolError, "no usable AccessToken"),
    "key is not created": ([NOT_OURS, MAKE_KEY, NOT_OURS, LOGOUT], NotTaken, "no such key is listed"),
    "key is rejected": ([OURS, DEAD, HEALTHY, DEAD, HEALTHY, LOGOUT], NotTaken, "lists the key of household"),
}


@pytest.mark.parametrize(("script", "kind", "message"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_session_is_ended_after_a_problem_with_the_key(
    run: Run, path: Path, script: list[tuple[Any, ...]], kind: type[MediaserverError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        run(HEALTHY, INFO, LOGIN, *script)
    assert not path.exists()


def test_session_that_cannot_be_ended_is_a_warning(run: Run) -> None:
    done = run(HEALTHY, INFO, LOGIN, OURS, WORKS, ("POST /Sessions/Logout", Response(500)))
    assert [warning for warning in done["warnings"] if "could not be ended" in warning]


def test_attribute_change_needs_no_new_key(run: Run, path: Path) -> None:
    path.write_text(f"{KEY}\n")
    path.chmod(0o644)
    inode = path.stat().st_ino
    predicted = run(HEALTHY, HEALTHY, INFO, *KEPT, check=True)
    done = run(HEALTHY, INFO, *KEPT)
    assert (
        predicted["diff"]
        == done["diff"]
        == {
            "before": {"api_key_file mode": "0644"},
            "after": {"api_key_file mode": "0600"},
        }
    )
    assert (path.stat().st_mode & 0o777, path.stat().st_ino) == (0o600, inode)
    assert not run(HEALTHY, INFO, *KEPT)["changed"]


def test_link_in_place_of_the_key_file_is_replaced(run: Run, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text(f"{KEY}\n")
    path.symlink_to(target)
    run(HEALTHY, INFO, LOGIN, OURS, WORKS, LOGOUT)
    assert not path.is_symlink()
    assert target.stat().st_mode & 0o777 != 0o600


def test_key_file_problem_is_found_before_the_server_changes(run: Run, path: Path) -> None:
    with pytest.raises(InvalidValue, match="is not an account of this host"):
        run(owner="no-such-account")
    with pytest.raises(FileProblem, match="its folder does not exist"):
        os.rmdir(path.parent)
        run()
    with pytest.raises(InvalidValue, match="absolute path"):
        KeyFile("api-key")


@pytest.mark.parametrize(("username", "password"), [("", "x"), ("  ", "x"), (" anna", "x"), ("anna", "")], ids=repr)
def test_wizard_answers_need_name_and_password(username: str, password: str) -> None:
    with pytest.raises(InvalidValue):
        WizardAnswers(username, password)


def test_wizard_answers_hide_the_password() -> None:
    assert PASSWORD not in repr(WizardAnswers("anna", PASSWORD))


@pytest.mark.parametrize(
    ("info", "claimed"),
    [
        ({"StartupWizardCompleted": True}, True),
        ({"StartupWizardCompleted": False}, False),
        # The form of the temporary server, whose value is not valid.
        ({"startupWizardCompleted": False}, None),
        ({"StartupWizardCompleted": "true"}, None),
        ({"StartupWizardCompleted": None}, None),
        ({}, None),
    ],
)
def test_claimed_needs_a_boolean_in_pascal_case(info: dict[str, Any], claimed: bool | None) -> None:
    if claimed is None:
        with pytest.raises(ProtocolError):
            is_claimed(info)
    else:
        assert is_claimed(info) is claimed


KEY_FILE = SecretFile("0" * 32, 0o600, 0, 0)


@given(claimed=st.booleans(), works=st.booleans(), file=st.sampled_from([None, KEY_FILE]), mode=st.booleans())
def test_plan_is_empty_after_it_was_applied(claimed: bool, works: bool, file: SecretFile | None, mode: bool) -> None:
    wrong = {"mode": ("0644", "0600")} if mode and file else {}
    plan = plan_setup(SetupState({"StartupWizardCompleted": claimed}, file, key_works=works), wrong)
    assert bool(plan) == (not claimed or not works or bool(wrong))
    assert not plan_setup(SetupState({"StartupWizardCompleted": True}, KEY_FILE, key_works=True), {})


UNUSABLE = {
    "absent": (None, 0o600, "does not exist; jellyfin_setup makes it"),
    "open": (f"{KEY}\n", 0o604, "open to all users"),
    "empty": ("", 0o600, "holds no API key"),
    "damaged": ("\x00" * 32, 0o600, "holds no API key"),
}


@pytest.mark.parametrize(("content", "mode", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_key_file_is_rejected(path: Path, content: str | None, mode: int, message: str) -> None:
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(FileProblem, match=message) as caught:
        load_key(str(path))
    assert KEY not in str(caught.value)
