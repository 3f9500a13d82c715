# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin's checks, held against recorded answers of both versions, and against what a damaged server answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from health_home import environment, only, states
from mediaserver._core.errors import Unreachable
from mediaserver._core.transport import Response
from mediaserver.health import jellyfin
from mediaserver.health.model import State

ROOT = Path(__file__).resolve().parents[3]
RECORDED = Path(os.environ.get("MEDIASERVER_SHARED") or ROOT.parent / "shared") / "jellyfin" / "recorded"
OPENAPI = RECORDED.parent / "openapi-12.0.json"
VERSIONS = ("10.11.11", "12.0-rc5")
needs_recordings = pytest.mark.skipif(
    not RECORDED.exists(), reason=f"{RECORDED} does not exist; set MEDIASERVER_SHARED"
)
KEY = "0123456789abcdef0123456789abcdef"


def recorded(version: str, file: str, name: str) -> Any:
    exchanges = json.loads((RECORDED / version / f"{file}.json").read_text(encoding="utf-8"))
    return next(one["answer"]["body"] for one in exchanges if one["name"] == name)


@needs_recordings
@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_conversion_is_named_with_its_cure(version: str) -> None:
    found = jellyfin.judge_playbacks(recorded(version, "sessions", "a playback that is converted"))
    assert found.state is State.WARNING
    assert found.text == (
        "the server converts 1 playback: the client cannot play the video's format (VideoCodecNotSupported)"
    )
    assert found.remedy == jellyfin.FORMAT
    # Title and user are apart from it.
    assert found.private == "Long (2021) for child"
    assert "Long" not in found.text + found.remedy and "child" not in found.text + found.remedy
    assert [(one.metric, one.number) for one in found.values] == [(jellyfin.CONVERTED, 1)]


@needs_recordings
@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_playbacks_without_conversion_are_well(version: str) -> None:
    exchanges = json.loads((RECORDED / version / "sessions.json").read_text(encoding="utf-8"))
    asked = [one for one in exchanges if one["method"] == "GET" and one["auth"] == "api key"]
    found = {one["name"]: jellyfin.judge_playbacks(one["answer"]["body"]).state for one in asked}
    assert len(found) >= 6
    assert {name for name, state in found.items() if state is not State.OK} == {"a playback that is converted"}


@needs_recordings
def test_every_reason_of_jellyfin_has_a_cure() -> None:
    schema = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]["TranscodeReason"]
    assert set(schema["enum"]) == set(jellyfin.CURES)


def session(*reasons: str, video_direct: bool = False) -> dict[str, Any]:
    return {
        "UserName": "child",
        "NowPlayingItem": {"Name": "Dune"},
        "PlayState": {"PlayMethod": "Transcode"},
        "TranscodingInfo": {"IsVideoDirect": video_direct, "TranscodeReasons": list(reasons)},
    }


@pytest.mark.parametrize(
    ("sessions", "state", "words"),
    [
        ([session("AudioCodecNotSupported", "SubtitleCodecNotSupported")], State.WARNING, "the subtitles are pictures"),
        # Only the sound: cheap.
        ([session("AudioCodecNotSupported", video_direct=True)], State.OK, "the sound's format"),
        (
            [session("AudioCodecNotSupported", video_direct=True), session()],
            State.WARNING,
            "2 playbacks: the reason is",
        ),
        ([session("SomethingNew")], State.WARNING, "(SomethingNew)"),
        ([{"NowPlayingItem": {}, "PlayState": None}], State.OK, "nothing is converted"),
        ([{**session(), "TranscodingInfo": None}], State.WARNING, "not known"),
        (
            [{**session(), "TranscodingInfo": {"TranscodeReasons": "VideoCodecNotSupported, X"}}],
            State.WARNING,
            "format",
        ),
    ],
)
def test_what_is_converted(sessions: list[dict[str, Any]], state: State, words: str) -> None:
    found = jellyfin.judge_playbacks(sessions)
    assert found.state is state and words in found.text


@needs_recordings
@pytest.mark.parametrize("version", VERSIONS)
def test_the_administrator_of_the_recordings_is_found(version: str) -> None:
    users = recorded(version, "administrator", "users")
    assert jellyfin.judge_administrator(users, "Family").state is State.OK
    # A plain user in the administrator's place.
    found = jellyfin.judge_administrator(users, "child")
    assert (found.state, found.text) == (State.BAD, "the account of jellyfin_admin_user is not an administrator")
    assert jellyfin.judge_administrator(users, "gone").text == "the account of jellyfin_admin_user does not exist"


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ({"IsAdministrator": True, "IsDisabled": True}, "is disabled"),
        ({"IsAdministrator": False, "IsDisabled": True}, "is disabled and is not an administrator"),
    ],
)
def test_a_disabled_administrator_is_bad(policy: dict[str, Any], text: str) -> None:
    found = jellyfin.judge_administrator([{"Name": "family", "Policy": policy}], "family")
    assert (found.state, found.text) == (State.BAD, f"the account of jellyfin_admin_user {text}")


@pytest.mark.parametrize(
    ("libraries", "state"),
    [
        ([{"Locations": ["/media/movies"]}], State.OK),
        ([], State.BAD),
        ([{"Locations": ["/media/movies"]}, {"Locations": [""]}], State.BAD),
        ([{"Locations": []}], State.BAD),
        ([{}], State.BAD),
    ],
)
def test_libraries_must_have_folders(libraries: list[dict[str, Any]], state: State) -> None:
    assert jellyfin.judge_libraries(libraries).state is state


class Server:
    """Answers by path; what is not listed does not exist."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[str] = []

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        path = url.partition("8096/")[2].partition("?")[0]
        self.calls.append(path)
        answer = self.answers.get(path.rpartition("/")[2], (404, ""))
        if isinstance(answer, Exception):
            raise answer
        status, content = answer if isinstance(answer, tuple) else (200, answer)
        return Response(status, {}, (content if isinstance(content, str) else json.dumps(content)).encode())


ADMINISTRATOR = {"Name": "family", "Policy": {"IsAdministrator": True, "IsDisabled": False}}
WELL: dict[str, Any] = {
    "health": "Healthy",
    "VirtualFolders": [{"Locations": ["/media/movies"]}],
    "Users": [ADMINISTRATOR],
    "Sessions": [],
}


def read(root: Path, **answers: Any) -> tuple[dict[str, State], Server]:
    server = Server(**{**WELL, **answers})
    found = jellyfin.read(household(root), server)
    return states(found), server


def household(root: Path) -> Any:
    (root / "secrets").mkdir(exist_ok=True)
    key = root / "secrets" / "jellyfin.key"
    if not key.exists():
        key.write_text(f"{KEY}\n")
        key.chmod(0o600)
    (root / "state" / "health").mkdir(parents=True, exist_ok=True)
    settings = {"url": "http://127.0.0.1:8096", "administrator": "family", "folders": ["/config"]}
    return environment(root, jellyfin=settings)


def test_a_server_on_which_all_is_well(tmp_path: Path) -> None:
    found, server = read(tmp_path)
    assert found == dict.fromkeys(jellyfin.CHECKS, State.OK)
    assert server.calls == ["health", "Library/VirtualFolders", "Users", "Sessions"]


@pytest.mark.parametrize(
    ("health", "state"),
    [
        # The temporary server answers 200 while the database is migrated.
        ("Degraded", State.WARNING),
        ((503, "Jellyfin is loading"), State.WARNING),
        ((503, "Unhealthy"), State.BAD),
        (Unreachable("refused", refused=True), State.BAD),
        (Unreachable("silent"), State.BAD),
        ((404, "another server"), State.BAD),
    ],
)
def test_a_server_that_is_not_healthy_is_asked_nothing_else(tmp_path: Path, health: Any, state: State) -> None:
    found, server = read(tmp_path, health=health)
    assert found == {jellyfin.HEALTH: state, **dict.fromkeys(jellyfin.CHECKS[1:], State.UNKNOWN)}
    assert server.calls == ["health"]


def test_healthy_is_not_working(tmp_path: Path) -> None:
    """As after a way back with a database that a newer version has migrated."""
    found, _server = read(tmp_path, VirtualFolders=(500, "Error processing request."))
    assert (found[jellyfin.HEALTH], found[jellyfin.LIBRARIES]) == (State.OK, State.BAD)
    assert found[jellyfin.ADMINISTRATOR] is State.UNKNOWN


@pytest.mark.parametrize("answer", ["nonsense", {"a": 1}, [3], (200, "")])
def test_nonsense_of_the_server_is_bad(tmp_path: Path, answer: Any) -> None:
    assert read(tmp_path, VirtualFolders=answer)[0][jellyfin.LIBRARIES] is State.BAD


def test_a_refused_key_is_tried_again_in_the_next_run(tmp_path: Path) -> None:
    """A key locks no account, and a server that is just starting may refuse a valid one."""
    found, _server = read(tmp_path, VirtualFolders=(401, ""))
    assert (found[jellyfin.HEALTH], found[jellyfin.LIBRARIES]) == (State.OK, State.BAD)
    assert read(tmp_path)[0] == dict.fromkeys(jellyfin.CHECKS, State.OK)


@pytest.mark.parametrize("text", [None, "", "nonsense\n"])
def test_a_missing_key_is_bad_and_shown_nowhere(tmp_path: Path, text: str | None) -> None:
    household(tmp_path)
    key = tmp_path / "secrets" / "jellyfin.key"
    key.unlink()
    if text is not None:
        key.write_text(text)
        key.chmod(0o600)
    found = jellyfin.read(household_without_key(tmp_path), Server(**{**WELL, "VirtualFolders": (401, "")}))
    assert State.BAD in {one.state for one in found}
    assert KEY not in str(found)
    assert {one.check for one in found} == set(jellyfin.CHECKS)


def household_without_key(root: Path) -> Any:
    settings = {"url": "http://127.0.0.1:8096", "administrator": "family", "folders": ["/config"]}
    return environment(root, jellyfin=settings)


def test_users_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    server = Server(**{**WELL, "Users": (500, "")})
    found = jellyfin.read(household(tmp_path), server)
    assert only(found, jellyfin.ADMINISTRATOR).state is State.BAD
    assert only(found, jellyfin.LIBRARIES).state is State.OK
