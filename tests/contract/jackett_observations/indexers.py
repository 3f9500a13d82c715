# SPDX-License-Identifier: GPL-3.0-or-later
"""Observations of indexers and their files."""

from __future__ import annotations

import json
import re
import stat

from jackett_replay import FILMS, KEY, PASSWORD_DEFINITION, TORRENT, Replay

from .checks import CHECKS, Line, check, equals


@check("indexers", "Indexers folder after that add (it did not fail)")
def folder_after_add(replay: Replay, line: Line) -> None:
    assert replay.indexer_files() == line["observation"]


equals("indexers", "configured after that add without network?", lambda s: [s.configured() == ["acgrip"]])
for name in (
    "Indexers folder after those adds (only the nonsense link was refused)",
    "Indexers folder after the second time",
    "Indexers folder after delete",
):
    CHECKS["indexers", name] = folder_after_add
CHECKS["indexers-failures", "Indexers folder then"] = folder_after_add


@check("indexers", "Indexers folder after success")
def stored_indexer(replay: Replay, line: Line) -> None:
    recorded = line["observation"]
    files = [[p.name, stat.filemode(p.stat().st_mode)] for p in sorted((replay.data / "Indexers").iterdir())]
    assert files == recorded["files"]
    text = replay.to_recorded((replay.data / "Indexers" / "acgrip.json").read_text("utf-8"))
    # CookieHeader is an empty text or null; the recordings do not show why.
    pattern, null = r'("CookieHeader",\s+"value": )(null|"")', r"\1null"
    start = re.sub(pattern, null, recorded["acgrip.json"]).removesuffix("...")
    assert re.sub(pattern, null, text).startswith(start)


@check("indexers", "fakepw.json: password stored how")
def stored_password(replay: Replay, line: Line) -> None:
    text = replay.to_recorded((replay.data / "Indexers" / "fakepw.json").read_text("utf-8"))
    assert text.startswith(line["text"]) and "hunter2" not in text


@check("indexers-failures", "acgrip.json then (holds LastError)")
def stored_error(replay: Replay, line: Line) -> None:
    text = (replay.data / "Indexers" / "acgrip.json").read_text("utf-8")
    assert text.startswith(line["text"])
    assert "Exception (acgrip)" in text


def last_error(replay: Replay) -> str:
    listed = json.loads(replay.with_session("GET", "/api/v2.0/indexers?configured=true").body)
    return str(next(entry["last_error"] for entry in listed if entry["id"] == "acgrip"))


equals("indexers", "last_error of the indexer then", last_error)
equals("indexers-failures", "last_error in /api/v2.0/indexers then", last_error)


@check("indexers", "link of a result")
def result_link(replay: Replay, line: Line) -> None:
    title = FILMS[1]["title"]
    reply = replay.request("GET", f"/api/v2.0/indexers/acgrip/results?apikey={KEY}&query=Fake")
    (found,) = [entry["Link"] for entry in json.loads(reply.body)["Results"] if entry["Title"] == title]
    assert re.sub("path=[^&]+", "path=...", found) == line["observation"]["link"]


@check("indexers", "blackhole folder")
def blackhole_file(replay: Replay, line: Line) -> None:
    ((recorded, size),) = line["observation"]
    (written,) = (replay.folder / "config" / "blackhole").iterdir()
    assert re.sub("^[0-9]{18}", "ticks", written.name) == re.sub("^[0-9]{18}", "ticks", recorded)
    # The recording does not contain that torrent, so its size differs; the bytes of this one are compared.
    assert written.read_bytes() == TORRENT and size > 0


@check("indexers", "after restart: configured indexers; an Indexers/nosuchindexer.json lay there")
def file_of_an_unknown_indexer(replay: Replay, line: Line) -> None:
    stray = replay.data / "Indexers" / "nosuchindexer.json"
    stray.write_text("[]", "utf-8")
    replay.restart()
    assert replay.configured() == line["observation"]["configured"]
    assert not stray.exists()
    add_definition(replay)


def add_definition(replay: Replay) -> None:
    folder = replay.folder / "config" / "cardigann" / "definitions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fakepw.yml").write_text(replay.to_local(PASSWORD_DEFINITION), "utf-8")
    replay.restart()


@check("indexers", "broken Indexers/acgrip.json at start")
def damaged_file(replay: Replay, line: Line) -> None:
    path = replay.data / "Indexers" / "acgrip.json"
    path.write_text("{broken", "utf-8")
    replay.restart()
    assert path.read_text("utf-8") == line["observation"]["file_after"]
    assert "acgrip" not in replay.configured()


@check("indexers-failures", "downloaded bytes equal the site torrent")
def downloaded_torrent(replay: Replay, line: Line) -> None:
    path = f"/dl/acgrip/?jackett_apikey={KEY}&path={replay.links[FILMS[1]['title']]}&file=x"
    assert (replay.request("GET", path).body.encode() == TORRENT) is line["observation"]


@check("torznab", "/api/v2.0/indexers with session: count and one sample")
def listed_indexers(replay: Replay, line: Line) -> None:
    listed = json.loads(replay.with_session("GET", "/api/v2.0/indexers").body)
    recorded = line["observation"]["sample"]
    assert next(entry for entry in listed if entry["id"] == recorded["id"]) == recorded
    assert [entry["id"] for entry in listed if entry["configured"]] == line["observation"]["configured"]
