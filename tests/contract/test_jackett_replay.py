# SPDX-License-Identifier: GPL-3.0-or-later
"""Jackett's double answers each recorded request as the real Jackett did, and each observation is equal.

Each file starts on a fresh double. Status, media type, Location, Allow, Retry-After and cookies are compared, XML
and settings literally, other JSON by keys and types. NOT_REPLAYED lists the lines that are neither sent nor checked,
CUT those whose body the recording omitted, each with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jackett_observations
import pytest
from jackett_double.password import hashed
from jackett_replay import KEY, TORRENT, Replay, compare, set_old_time
from shared_material import JACKETT_RECORDED, missing

if missing(JACKETT_RECORDED):
    pytest.skip(missing(JACKETT_RECORDED), allow_module_level=True)

FILES = sorted(path.stem for path in JACKETT_RECORDED.glob("*.json"))
SECRET = jackett_observations.SECRET

_MACHINE = "depends on the machine and on the size of the program"
_PROCESS = "concerns a process: tests/unit/doubles/test_jackett_process.py"
_ACCOUNT = "needs an account with fewer rights: tests/unit/doubles/test_jackett_process.py"
# Lines by file and name.
NOT_REPLAYED: dict[tuple[str, str], str] = {
    ("first-start", "seconds until GET /health answers 200"): _MACHINE,
    ("first-start", "memory right after ready"): _MACHINE,
    ("first-start", "memory 20 s after ready, idle"): _MACHINE,
    ("first-start", "SIGTERM"): _PROCESS,
    ("memory", "three starts on this 2-core machine (another build may have run beside it)"): _MACHINE,
    ("torznab", "memory after this"): _MACHINE,
    ("command-line", "--PIDFile"): _PROCESS,
    ("command-line", "a folder named Jackett in the working directory (migration)"): "not simulated",
    ("faults", "SIGTERM right after ready"): _PROCESS,
    ("faults", "SIGTERM after 3 s idle"): _PROCESS,
    ("faults", "SIGINT"): _PROCESS,
    ("faults", "SIGHUP"): _PROCESS,
    ("faults", "SIGQUIT"): _PROCESS,
    ("faults", "SIGTERM 0.2 s after process start (before ready)"): _PROCESS,
    ("faults", "SIGTERM 1.5 s after process start (before ready)"): _PROCESS,
    ("faults", "SIGTERM 3.0 s after process start (before ready)"): _PROCESS,
    ("faults", "unprivileged user, all well (control)"): _ACCOUNT,
    ("faults", "data folder empty and not writable"): _ACCOUNT,
    ("faults", "data folder not writable, ServerConfig.json present and complete"): _ACCOUNT,
    ("faults", "data folder missing and parent not writable"): _ACCOUNT,
    ("faults", "ServerConfig.json not readable, folder writable"): _ACCOUNT,
    ("faults", "ServerConfig.json readable not writable, folder writable"): _ACCOUNT,
}
CUT: dict[tuple[str, str], str] = {
    ("torznab", "indexers configured=false"): "a list of 618 indexers, which the double does not have",
}
# Bodies that were sent as other text than the recorded JSON.
RAW = {
    ("password", "set password, body a bare word not JSON"): "abc",
    ("server-config-api", "broken JSON"): '{"port":',
}
GARBAGE = {("web-without-password", "garbage session cookie"): "Jackett=garbage"}


def site(status: int = 200, torrent: bytes = TORRENT, link: str = "") -> Callable[[Replay], None]:
    """Return a step that sets the site's response and, with `link`, the address of the indexer."""

    def change(replay: Replay) -> None:
        replay.site.status, replay.site.torrent = status, torrent
        if link:
            body = [{"id": "sitelink", "value": link}]
            assert replay.with_session("POST", "/api/v2.0/indexers/acgrip/config", body).status == 204

    return change


def blackhole(replay: Replay) -> None:
    folder = replay.folder / "config" / "blackhole"
    folder.mkdir()
    assert replay.settings(blackholedir=str(folder)).status == 200


def lost_keys(replay: Replay) -> None:
    body = [{"id": "sitelink", "value": f"http://{replay.site.address}/"}]
    assert replay.with_session("POST", "/api/v2.0/indexers/acgrip/config", body).status == 204
    jackett_observations.search_for_links(replay, "acgrip")
    jackett_observations.lose_keys(replay)


def short_hash(replay: Replay) -> None:
    replay.stop()
    replay.edit(AdminPassword="short")
    replay.run()


def taken_port(replay: Replay) -> None:
    """Map port 9120 to the port of the site, which is in use."""
    ports = replay.running.ports
    assert ports is not None
    ports[9120] = int(replay.site.address.split(":")[1])


# Steps before a line that are not in the recording.
BEFORE: dict[tuple[str, str], Callable[[Replay], None]] = {
    ("indexers", "test against a failing site"): site(500),
    ("indexers", "torznab caps of the one"): site(),
    (
        "indexers",
        "download by the link of a result; the made-up torrent was itself malformed here (bencode), "
        "a good one is in 08b",
    ): site(torrent=TORRENT[:-1]),
    ("indexers", "torznab search while the site answers 500 (other words, not cached)"): site(500),
    ("indexers", "torznab search while the site answers 429"): site(429),
    ("indexers", "through all while the site fails"): site(500),
    ("indexers", "JSON results with a blackhole folder"): blackhole,
    ("indexers", "blackhole link"): site(),
    ("indexers-failures", "torznab search, the site answers 500"): site(500, link="http://127.0.0.1:9119/"),
    ("indexers-failures", "torznab search, the site answers 503"): site(503),
    ("indexers-failures", "torznab search, the site answers 403"): site(403),
    ("indexers-failures", "torznab search, the site answers 429"): site(429),
    ("indexers-failures", "torznab search, closed port"): site(link="http://127.0.0.1:9/"),
    ("indexers-failures", "torznab search, site well"): site(link="http://127.0.0.1:9119/"),
    (
        "data-protection-links",
        "old download link after DataProtection was deleted, indexer still configured",
    ): lost_keys,
    (
        "password-short-hash",
        "AdminPassword shorter than 10 characters in the file: server config with a session from before",
    ): short_hash,
    ("server-config-api", "port 9120 that another program holds"): taken_port,
}


def lines(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((JACKETT_RECORDED / f"{name}.json").read_text("utf-8"))
    return loaded


def prepare(replay: Replay, name: str) -> None:
    """Create the state in which a file of recordings began."""
    if name == "first-start":
        replay.run()
        return
    replay.write(AdminPassword=hashed("correct horse", KEY) if name == "web-with-password" else None)
    if name == "server-config-api":
        (replay.folder / "config" / "blackhole").mkdir()
    replay.run()
    if not name.startswith("web-with"):
        assert replay.login()


def play(replay: Replay, name: str) -> list[str]:
    """Replay a file; return its differences with name and number of the line."""
    found: list[str] = []
    for number, line in enumerate(lines(name)):
        key = (name, line["name"])
        if key in NOT_REPLAYED:
            continue
        try:
            BEFORE.get(key, lambda replay: None)(replay)
            different = exchange(replay, name, line) if "method" in line else observe(replay, name, line)
        except AssertionError as error:
            different = [f"AssertionError: {error}"]
        found += [f"{name}[{number}] {line['name']}: {text}" for text in different]
    return found


def observe(replay: Replay, name: str, line: dict[str, Any]) -> list[str]:
    check = jackett_observations.find(name, line)
    assert check is not None, "the line has no check, expected one or an entry in NOT_REPLAYED"
    check(replay, line)
    return []


def exchange(replay: Replay, name: str, line: dict[str, Any]) -> list[str]:
    key = (name, line["name"])
    before = set_old_time(replay.path)
    listener = replay.running._listener
    reply = replay.send_line(line, raw=RAW.get(key), cookie=GARBAGE.get(key))
    found = compare(line, reply, cut=key in CUT)
    assert replay.running.settled(), "the web host did not restart within the limit"
    replay.kept["web_host_restarted"] = replay.running._listener is not listener
    if line["path"] == "/api/v2.0/server/config" and line["method"] == "POST" and reply.status == 200:
        assert replay.to_recorded(replay.path.read_text("utf-8")) == json.dumps(json.loads(reply.body), indent=2)
    written = replay.path.stat().st_mtime_ns != before.st_mtime_ns
    if written is not line.get("file_rewritten", written):
        found.append(f"file rewritten: {line['file_rewritten']} recorded, {written} given")
    return found


@pytest.mark.parametrize("name", FILES)
def test_double_gives_the_recorded_responses(name: str, tmp_path: Path) -> None:
    replay = Replay(tmp_path)
    try:
        prepare(replay, name)
        found = play(replay, name)
        assert not found, "\n".join(found)
    finally:
        replay.close()


def test_listed_lines_exist_in_the_recordings() -> None:
    recorded = {(name, line["name"]) for name in FILES for line in lines(name)}
    listed = {*NOT_REPLAYED, *CUT, *RAW, *GARBAGE, *BEFORE, *jackett_observations.CHECKS}
    assert listed - recorded == set()


def test_every_line_is_replayed_or_listed() -> None:
    left = [
        (name, line["name"])
        for name in FILES
        for line in lines(name)
        if "method" not in line and jackett_observations.find(name, line) is None
    ]
    assert sorted(left) == sorted(NOT_REPLAYED)
