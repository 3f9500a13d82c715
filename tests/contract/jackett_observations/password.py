# SPDX-License-Identifier: GPL-3.0-or-later
"""Observations of the password and of the API key."""

from __future__ import annotations

import re

from jackett_double.password import hashed
from jackett_replay import Replay

from .checks import Line, check, equals

SECRET = "S3cret-Wörd €"


@check("password", "stored hash compared with own computation", "AdminPassword after a single space")
def stored_hash(replay: Replay, line: Line) -> None:
    assert replay.file["AdminPassword"] == line["observation"]["stored"]
    replay.kept["hash"] = replay.file["AdminPassword"]


def try_logins(replay: Replay) -> dict[str, bool]:
    session = replay.token
    found = {"right": replay.login(SECRET), "wrong": replay.login("wrong"), "empty": replay.login("")}
    replay.token = session
    return found


equals("password", "login right / wrong", try_logins)
equals("password", "stored hash unchanged after those?", lambda s: s.file["AdminPassword"] == s.kept["hash"])
equals("password", "AdminPassword in the file after clearing", lambda s: s.file["AdminPassword"])


def admits(replay: Replay, password: str) -> bool:
    session = replay.token
    found = replay.login(password)
    replay.token = session
    return found


@check("password", "APIKey changed in the file while stopped, AdminPassword left")
def changed_api_key(replay: Replay, line: Line) -> None:
    recorded, before = line["observation"], replay.file["AdminPassword"]
    replay.stop()
    replay.edit(APIKey="an0therk3y000000000000000000000a")
    replay.run()
    assert replay.file["AdminPassword"] == before == recorded["AdminPassword_in_file_after_start"]
    assert admits(replay, SECRET) is recorded["old_password_logs_in"]
    assert replay.config_status() == recorded["old_session_cookie_still_valid"]


equals(
    "password",
    "hash after that uses the new key",
    lambda s: s.stored(SECRET, s.file["APIKey"]) and not s.stored(SECRET),
)


@check("password", "APIKey emptied in the file with a password set")
def empty_api_key(replay: Replay, line: Line) -> None:
    recorded, before = line["observation"], replay.file["AdminPassword"]
    replay.stop()
    replay.edit(APIKey="")
    replay.run()
    assert (replay.file["AdminPassword"] == before) is recorded["AdminPassword_kept"]
    assert admits(replay, SECRET) is recorded["old_password_logs_in"]
    assert re.sub("[a-z0-9]", "x", replay.file["APIKey"]) == recorded["new_key_shape"]


@check("password", "upper-case hex hash in the file")
def upper_case_hash(replay: Replay, line: Line) -> None:
    replay.stop()
    replay.edit(AdminPassword=(hashed(SECRET, replay.file["APIKey"]) or "").upper())
    replay.run()
    assert admits(replay, SECRET) is line["observation"]["logs_in"]


@check("password", "plain text in AdminPassword")
def plain_text(replay: Replay, line: Line) -> None:
    replay.stop()
    replay.edit(AdminPassword="plaintext")
    replay.run()
    assert admits(replay, "plaintext") is line["observation"]["logs_in_with_it"]
    assert replay.file["AdminPassword"] == line["observation"]["file_after"]
