# SPDX-License-Identifier: GPL-3.0-or-later
"""Observations of the folder of keys that Jackett encrypts with."""

from __future__ import annotations

import json

from jackett_replay import FILMS, KEY, Replay

from .checks import Line, check
from .indexers import add_definition


@check("data-protection", "before: keys, session, download link")
def before_deletion(replay: Replay, line: Line) -> None:
    add_definition(replay)
    site = f"http://{replay.site.address}/"
    login = [{"id": "username", "value": "me"}, {"id": "password", "value": "hunter2"}]
    for name, more in (("acgrip", []), ("fakepw", login)):
        body = [{"id": "sitelink", "value": site}, *more]
        assert replay.with_session("POST", f"/api/v2.0/indexers/{name}/config", body).status == 204
    assert replay.configured() == ["acgrip", "fakepw"]
    for name in ("acgrip", "fakepw"):
        search_for_links(replay, name)
        replay.kept[name] = replay.links[FILMS[0]["title"]]
    assert replay.config_status() == line["observation"]["config_with_session"]
    assert len(list((replay.data / "DataProtection").iterdir())) == len(line["observation"]["keys"])


def search_for_links(replay: Replay, name: str) -> None:
    session = {"name": "", "method": "GET", "session": False}
    replay.send_line({**session, "path": f"/api/v2.0/indexers/{name}/results?apikey={KEY}&query=Fake"})


@check("data-protection", "folder deleted while stopped, then start")
def deleted_while_stopped(replay: Replay, line: Line) -> None:
    recorded = line["observation"]
    stored = (replay.data / "Indexers" / "fakepw.json").read_bytes()
    lose_keys(replay)
    assert len(list((replay.data / "DataProtection").iterdir())) == len(recorded["keys"])
    assert replay.config_status() == recorded["config_with_old_session"]
    assert replay.login()
    assert replay.config_status() == recorded["new_session_works"]
    old = replay.request("GET", f"/dl/fakepw/?jackett_apikey={KEY}&path={replay.kept['fakepw']}&file=x")
    assert old.status == recorded["old_download_link"]["status"]
    assert json.loads(old.body)["error"].startswith("No authentication handler is registered for the scheme")
    assert replay.configured() == recorded["configured_indexers"]
    assert (replay.data / "Indexers" / "fakepw.json").read_bytes() == stored


def lose_keys(replay: Replay) -> None:
    replay.stop()
    remove_keys(replay)
    replay.run()


def remove_keys(replay: Replay) -> None:
    folder = replay.data / "DataProtection"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@check("data-protection", "deleted while running: session made before still valid")
def deleted_while_running(replay: Replay, line: Line) -> None:
    remove_keys(replay)
    assert replay.config_status() == line["observation"]


@check("data-protection", "deleted while running: new login")
def login_after_deletion(replay: Replay, line: Line) -> None:
    assert replay.login()
    actual = {"status": replay.config_status(), "folder_there": (replay.data / "DataProtection").exists()}
    assert actual == line["observation"]


@check("data-protection-links", "log then")
def log_of_missing_key(replay: Replay, line: Line) -> None:
    message = replay.running.logged()[0]["Message"]
    assert message.startswith("Error downloading. indexer: acgrip path: ")
    assert "was not found in the key ring" in message
