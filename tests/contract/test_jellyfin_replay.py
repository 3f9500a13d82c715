# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin's double answers each recorded request as the real Jellyfin did.

Each file starts on a fresh double to which the files recorded before it were sent. Status, media type, Retry-After,
Allow and the whole body are compared; ids are paired, times may differ. What the server reads in media files is not
compared (READ_IN_FILES), because the double opens none. LOOSE lists the lines of which only keys and
types are compared, NOT_REPLAYED those that are not sent, each with its reason.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from comparison import Ids, differences, shape
from jellyfin_double import ManualClock, Server, disk
from shared_material import RECORDED, RECORDINGS, missing

if missing(RECORDED):
    pytest.skip(missing(RECORDED), allow_module_level=True)

# Version of the double, file.
Chapter = tuple[str, str]
USUAL = (
    *("wizard", "authentication", "api-keys", "users"),
    *("libraries-create", "libraries-change", "configuration", "system"),
)
OLD = tuple(("10.11", name) for name in (*USUAL, "wizard-reopened"))
CONVERSATION = ("import", "sessions", "watched")
SPECIAL: dict[Chapter, tuple[Chapter, ...]] = {
    ("10.11", "wizard-reopened"): OLD[:-1],
    ("12.0", "upgraded"): OLD,
    ("10.11", "on-data-of-12"): (*OLD, ("12.0", "upgraded")),
    ("12.0", "scan-missing-disk"): (("12.0", "wizard"),),
    # Recorded on a separate server, whose state administrator_household() creates.
    **{(version, "administrator"): () for version in RECORDINGS},
    # One conversation with another server, whose state import_household() creates.
    **{
        (version, name): tuple((version, earlier) for earlier in CONVERSATION[:index])
        for version in RECORDINGS
        for index, name in enumerate(CONVERSATION)
    },
}
BEFORE: dict[Chapter, tuple[Chapter, ...]] = {
    (version, name): tuple((version, earlier) for earlier in USUAL[:index])
    for version in RECORDINGS
    for index, name in enumerate(USUAL)
} | SPECIAL

# Lines of a recording, counted from 0, that cannot be replayed.
_LOG = "the double keeps no activity log"
_PICTURE = "the library has a picture that is composed of its films; the double composes none"
NOT_REPLAYED: dict[tuple[str, str, int], str] = {
    ("12.0", "administrator", 6): _PICTURE,
    ("10.11", "administrator", 6): _PICTURE,
    ("12.0", "administrator", 43): _LOG,
    ("10.11", "administrator", 43): _LOG,
}

_POLICY = "a change of the policy between the lines before was not recorded"
_RUN = "depends on the machine or on the time"
_PATHS = "the paths that the server had registered then were not recorded, and differ by version"
_PLUGIN = "that server has the task of a plugin, for missing episodes, that the others do not have"
_OTHER_ITEMS = "12.0 counts folders of its own, too, of which most cannot be listed"
_REMOVED = "which removed libraries are still listed is not known"
LOOSE: dict[tuple[str, str, int], str] = {
    ("12.0", "users", 7): _POLICY,
    ("10.11", "users", 7): _POLICY,
    ("12.0", "system", 3): _RUN,
    ("10.11", "system", 3): _RUN,
    ("12.0", "system", 5): _RUN,
    ("10.11", "system", 5): _RUN,
    (
        "12.0",
        "libraries-change",
        37,
    ): _PATHS,
    (
        "10.11",
        "libraries-change",
        37,
    ): _PATHS,
    ("12.0", "libraries-change", 38): _REMOVED,
    ("10.11", "libraries-change", 38): _REMOVED,
    ("12.0", "scan-missing-disk", 1): _RUN,
    ("12.0", "import", 27): _OTHER_ITEMS,
    ("12.0", "import", 28): _OTHER_ITEMS,
    ("12.0", "import", 29): _PLUGIN,
    ("12.0", "import", 31): _PLUGIN,
    ("10.11", "import", 31): _RUN,
}
# Of the conversation, what the server has read in the files; the double opens none.
READ_IN_FILES = frozenset(
    (
        *("MediaStreams", "Container", "Size", "ETag", "RunTimeTicks", "PlayedPercentage", "Bitrate", "ImageTags"),
        *("ImageBlurHashes", "PrimaryImageAspectRatio", "Width", "Height", "AudioChannels", "TranscodingUrl"),
        "DefaultAudioStreamIndex",
    )
)
TELEVISION = 'MediaBrowser Client="tv", Device="tv", DeviceId="tv-1", Version="1.0"'
CLIENT = 'MediaBrowser Client="recorder", Device="lab", DeviceId="lab-1", Version="1.0"'


def lines(chapter: Chapter) -> list[dict[str, Any]]:
    version, name = chapter
    loaded: list[dict[str, Any]] = json.loads((RECORDED / RECORDINGS[version] / f"{name}.json").read_text("utf-8"))
    return loaded


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Replay:
    """The double with its folders, and the state of the recording client: ids, tokens, key."""

    folder: Path
    clock: ManualClock = field(default_factory=ManualClock)
    ids: Ids = field(default_factory=Ids)
    server: Server | None = None
    token: str = ""
    key: str = ""
    # Tokens by the DeviceId of the login, which identifies them in a recording.
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("media/movies", "media/more", "media/tv", "media/shows", "media/with, comma", "cache/transcodes"):
            (self.folder / name).mkdir(parents=True)
            if name.startswith("media"):
                (self.folder / name / ".keep").touch()

    @property
    def movies(self) -> Path:
        return self.folder / "media" / "movies"

    def run(self, version: str) -> None:
        """Run the double of this version on the existing data."""
        if self.server is not None and self.server.version == version:
            return
        self.stop()
        self.server = Server(
            self.folder / "config",
            version=version,
            data=self.folder / "config" / "data",
            cache=self.folder / "cache",
            clock=self.clock,
            account="root",
            hostname="mediaserver",
        ).start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None

    def tick(self) -> None:
        """Have the double look at its folders."""
        assert self.server is not None
        self.server.sync()

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Reply:
        assert self.server is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = self._recorded_paths(response.read().decode("utf-8"))
            is_json = response.headers.get("Content-Type", "").startswith("application/json")
            return Reply(response.status, dict(response.headers), json.loads(text) if is_json else text or None)
        finally:
            connection.close()

    def _recorded_paths(self, text: str) -> str:
        assert self.server is not None
        for name in ("config", "media", "cache"):
            text = text.replace(f"{self.folder}/{name}", f"/{name}")
        return text.replace(f"127.0.0.1:{self.server.port}", "127.0.0.1:8096")

    def _our_paths(self, text: str) -> str:
        return self.ids.translate(text.replace("/media/", f"{self.folder}/media/"))

    def login(self) -> None:
        reply = self.send(
            *("POST", "/Users/AuthenticateByName"),
            {"Authorization": CLIENT, "Content-Type": "application/json"},
            b'{"Username": "admin", "Pw": "first-Pass-1"}',
        )
        if reply.status == 200:
            self.token = reply.body["AccessToken"]

    def send_line(self, line: dict[str, Any]) -> Reply:
        headers = {name: self.ids.translate(value) for name, value in line.get("headers", {}).items()}
        if line["auth"] == "client without token":
            headers["Authorization"] = TELEVISION if " on tv-1 " in line["name"] else CLIENT
        if line["auth"] == "administrator":
            headers["Authorization"] = f'{CLIENT}, Token="{self.token}"'
        if line["auth"] == "api key":
            headers["Authorization"] = f'MediaBrowser Token="{self.key}"'
        if line["auth"] in self.tokens:
            headers["Authorization"] = f'MediaBrowser Token="{self.tokens[line["auth"]]}"'
        body = None
        if "body" in line:
            headers["Content-Type"] = "application/json"
            text = line["body"] if isinstance(line["body"], str) else json.dumps(line["body"])
            body = self._our_paths(text).encode()
        path = self._our_paths(line["path"]) if "Library" in line["path"] else self.ids.translate(line["path"])
        reply = self.send(line["method"], path, headers, body)
        if line["auth"] != "headers" and isinstance(reply.body, dict) and "AccessToken" in reply.body:
            self.token = reply.body["AccessToken"]
        if isinstance(reply.body, dict) and "SessionInfo" in reply.body:
            self.tokens[reply.body["SessionInfo"]["DeviceId"]] = reply.body["AccessToken"]
            self.tokens[reply.body["User"]["Name"]] = reply.body["AccessToken"]
        return reply


def administrator_household(replay: Replay) -> None:
    """Create the state after the files import, sessions and watched, as far as administrator.json shows it."""

    def call(method: str, path: str, body: Any = None, token: str = "", device: str = "exp") -> Any:
        client = f'MediaBrowser Client="{device}", Device="lab", DeviceId="{device}", Version="1.0"'
        headers = {"Authorization": f'{client}, Token="{token}"' if token else client}
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        reply = replay.send(method, path, headers, None if body is None else json.dumps(body).encode())
        assert reply.status in (200, 204), (method, path, reply)
        return reply.body

    def login(name: str, password: str, device: str) -> str:
        body = {"Username": name, "Pw": password}
        return str(call("POST", "/Users/AuthenticateByName", body, device=device)["AccessToken"])

    call("GET", "/Startup/User")
    call("POST", "/Startup/User", {"Name": "family", "Password": "pw-of-test"})
    call("POST", "/Startup/Complete")
    replay.token = login("family", "pw-of-test", "exp")
    call("POST", "/Auth/Keys?app=household.mediaserver", token=replay.token)
    replay.key = call("GET", "/Auth/Keys", token=replay.token)["Items"][0]["AccessToken"]
    for name, kind, folder in (("Movies", "movies", "movies"), ("Shows", "tvshows", "shows")):
        options = {"PathInfos": [{"Path": f"{replay.folder}/media/{folder}"}], "EnableRealtimeMonitor": True}
        query = f"name={name}&collectionType={kind}&refreshLibrary=true"
        call("POST", f"/Library/VirtualFolders?{query}", {"LibraryOptions": options}, replay.token)
        replay.clock.advance(60)
    call("POST", "/Users/New", {"Name": "child", "Password": "a word of the child"}, replay.key)
    login("child", "a word of the child", "tv-1")


def import_household(replay: Replay, version: str) -> None:
    """Create the state in which the conversation began: the wizard is completed, and there is an API key."""
    session = lines((version, "sessions"))[0]["answer"]["body"][0]

    def call(method: str, path: str, body: Any = None, token: str = "") -> Any:
        client = f'MediaBrowser Client="exp", Device="exp", DeviceId="{session["DeviceId"]}", Version="1"'
        headers = {"Authorization": f'{client}, Token="{token}"' if token else client}
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        reply = replay.send(method, path, headers, None if body is None else json.dumps(body).encode())
        assert reply.status in (200, 204), (method, path, reply)
        return reply.body

    for folder in ("movies", "shows"):
        (replay.folder / "media" / folder / ".keep").unlink()
    call("GET", "/Startup/User")
    call("POST", "/Startup/User", {"Name": "family", "Password": "pw-of-test"})
    call("POST", "/Startup/Complete")
    body = {"Username": "family", "Pw": "pw-of-test"}
    login = call("POST", "/Users/AuthenticateByName", body)
    replay.token = login["AccessToken"]
    replay.ids.pair(session["UserId"], login["User"]["Id"])
    call("POST", "/Auth/Keys?app=household.mediaserver", token=replay.token)
    replay.key = call("GET", "/Auth/Keys", token=replay.token)["Items"][0]["AccessToken"]
    configuration = call("GET", "/System/Configuration", token=replay.token)
    call("POST", "/System/Configuration", {**configuration, "LibraryMonitorDelay": 1}, replay.token)


def change_files(replay: Replay, before: dict[str, Any]) -> None:
    """Make and remove the files that a recorded line names, and wait as long as it says."""
    assert before.keys() <= {"make", "remove", "wait_s"}, before
    for path in before.get("make", ()):
        ours = f"{replay.folder}{path}"
        for sort in disk.CLASSES:
            replay.ids.pair(disk.identifier(sort, path), disk.identifier(sort, ours))
        for number, parent in enumerate(Path(path).parents):
            if number < len(Path(path).parents) - 2:
                for sort in ("Folder", "Season", "Series"):
                    known = disk.identifier(sort, str(parent)), disk.identifier(sort, f"{replay.folder}{parent}")
                    replay.ids.pair(*known)
        Path(ours).parent.mkdir(parents=True, exist_ok=True)
        Path(ours).touch()
    for path in before.get("remove", ()):
        Path(f"{replay.folder}{path}").unlink()
    # In steps, as the double observes its folders: each second.
    for _second in range(before.get("wait_s", 0)):
        replay.tick()
        replay.clock.advance(1)
    replay.tick()


def without_media(value: Any) -> Any:
    """Return an answer without what the server has read in the files."""
    if isinstance(value, dict):
        return {key: without_media(one) for key, one in value.items() if key not in READ_IN_FILES}
    return [without_media(one) for one in value] if isinstance(value, list) else value


def before_chapter(replay: Replay, chapter: Chapter) -> None:
    """Create the state in which a file of recordings began."""
    replay.run(chapter[0])
    if chapter[1] == "administrator":
        administrator_household(replay)
    elif chapter[1] in CONVERSATION:
        if chapter[1] == CONVERSATION[0]:
            import_household(replay, chapter[0])
    elif chapter[1] not in ("wizard", "authentication", "upgraded", "on-data-of-12"):
        replay.login()
    if chapter[1] == "system":
        scan(replay)
    if chapter[1] == "scan-missing-disk":
        # Recorded on a separate server.
        replay.ids = Ids()
        for name in ("Film A2 (2020)", "Film S (2020)"):
            (replay.movies / name).mkdir()
            (replay.movies / name / f"{name}.mkv").touch()
        made = {"LibraryOptions": {"PathInfos": [{"Path": str(replay.movies)}]}}
        path = "/Library/VirtualFolders?name=Movies&collectionType=movies&refreshLibrary=true"
        authorization = {"Authorization": f'MediaBrowser Token="{replay.token}"', "Content-Type": "application/json"}
        assert replay.send("POST", path, authorization, json.dumps(made).encode()).status == 204
        replay.clock.advance(60)
        scan(replay, wait_s=0.1)


def scan(replay: Replay, wait_s: float = 60) -> None:
    authorization = {"Authorization": f'MediaBrowser Token="{replay.token}"'}
    assert replay.send("POST", "/Library/Refresh", authorization, None).status == 204
    replay.clock.advance(wait_s)


def before_line(replay: Replay, chapter: Chapter, line: dict[str, Any]) -> None:
    """Change the disk as it was changed between the recorded lines."""
    if "before" in line:
        change_files(replay, line["before"])
    aside, name = replay.movies.with_name("aside"), line["name"]
    if chapter[1] != "scan-missing-disk":
        return
    if name in ("scan with an empty root", "scan with a missing root"):
        replay.movies.rename(aside)
    if name == "scan with an empty root":
        replay.movies.mkdir()
    if name == "scan with the root back":
        if replay.movies.exists():
            replay.movies.rmdir()
        aside.rename(replay.movies)


def play(replay: Replay, chapter: Chapter) -> list[str]:
    """Replay a file; return its differences with name and number of the line."""
    found: list[str] = []
    before_chapter(replay, chapter)
    for number, line in enumerate(lines(chapter)):
        key = (*chapter, number)
        if key in NOT_REPLAYED:
            continue
        before_line(replay, chapter, line)
        reply, recorded = replay.send_line(line), line["answer"]
        if chapter[1] in CONVERSATION:
            recorded = {**recorded, "body": without_media(recorded["body"])}
            reply = replace(reply, body=without_media(reply.body))
        different = compare(recorded, reply, replay.ids, loose=key in LOOSE)
        found += [f"{'/'.join(chapter)}[{number}] {line['name']}: {text}" for text in different]
        scanned = line["path"] == "/Library/Refresh" and chapter[1] not in CONVERSATION
        replay.clock.advance(60 if scanned else 0.01)
    return found


def compare(recorded: dict[str, Any], reply: Reply, ids: Ids, *, loose: bool = False) -> list[str]:
    found = []
    if recorded["status"] != reply.status:
        found.append(f"status {recorded['status']} recorded, {reply.status} given")
    for name in ("Content-Type", "Allow", "Retry-After"):
        if recorded["headers"].get(name) != reply.headers.get(name):
            found.append(f"{name} {recorded['headers'].get(name)} recorded, {reply.headers.get(name)} given")
    different = differences(recorded["body"], reply.body, ids)
    if not loose:
        return found + different
    if shape(recorded["body"]) != shape(reply.body):
        found.append(f"keys and types: {shape(recorded['body'])} recorded, {shape(reply.body)} given")
    return found


@pytest.mark.parametrize("chapter", BEFORE, ids="/".join)
def test_double_gives_the_recorded_responses(chapter: Chapter, tmp_path: Path) -> None:
    replay = Replay(tmp_path)
    try:
        for earlier in BEFORE[chapter]:
            play(replay, earlier)
        assert play(replay, chapter) == []
    finally:
        replay.stop()


def test_each_recorded_file_is_replayed() -> None:
    files = {(version, path.stem) for version, name in RECORDINGS.items() for path in (RECORDED / name).glob("*.json")}
    assert files == set(BEFORE)


@pytest.mark.parametrize("table", [NOT_REPLAYED, LOOSE], ids=["not replayed", "loose"])
def test_listed_lines_exist_in_the_recordings(table: dict[tuple[str, str, int], str]) -> None:
    for version, name, number in table:
        assert number < len(lines((version, name))), f"{version}/{name} has no line {number}"


def test_lines_without_method_path_or_answer_are_listed() -> None:
    unknown = [
        (*chapter, number)
        for chapter in BEFORE
        for number, line in enumerate(lines(chapter))
        if not {"method", "path", "auth", "answer"} <= line.keys()
    ]
    assert set(unknown) <= set(NOT_REPLAYED)
