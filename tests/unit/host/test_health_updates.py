# SPDX-License-Identifier: GPL-3.0-or-later
"""The health check's fact on newer images: from the stored result of `mediaserver updates`, which it never makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_host import update_result
from health_home import NOW, Home
from mediaserver.command import updates, words
from mediaserver.health import image_updates
from mediaserver.health.model import State
from mediaserver.health.table import PROBES

DAY = 86400.0


@pytest.mark.parametrize(
    ("news", "age", "state", "text", "number"),
    [
        (("current", "current"), DAY, State.OK, "every image is the newest of its line", [0]),
        (("newer-tag", "current"), DAY, State.OK, "newer images for vpn, wireguard", [2]),
        (("unknown", "new-digest"), DAY, State.OK, "newer images for jellyfin", [1]),
        (("current", "unknown"), DAY, State.UNKNOWN, "the registry did not answer for jellyfin", []),
        (("newer-tag", "current"), 8 * DAY, State.UNKNOWN, "the registries were asked 8 days ago", []),
        # A clock that was set back makes no result old.
        (("current", "current"), -9 * DAY, State.OK, "every image is the newest of its line", [0]),
    ],
)
def test_the_stored_result_is_judged(
    news: tuple[str, str], age: float, state: State, text: str, number: list[int]
) -> None:
    found = image_updates.judge(update_result(news, words.moment(NOW - age)), NOW)
    assert (found.state, [value.number for value in found.values]) == (state, number)
    assert text in found.text


@pytest.mark.parametrize("text", ["", "{", '{"checked": 3, "images": []}', '{"checked": "x", "images": [{}]}'])
def test_a_damaged_result_is_unknown(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path, [one for one in PROBES if one.name == "image updates"])
    (home.state / updates.RESULT).write_text(text)
    assert home.states(home.check())["image-updates"] == "unknown"


def test_it_is_a_fact_that_sends_no_message_and_makes_nothing_bad(tmp_path: Path) -> None:
    home = Home(tmp_path, [one for one in PROBES if one.name == "image updates"], urls=("ntfys://ntfy.example/x",))
    assert "image-updates" not in home.states(home.check()), "there is no result yet"
    result = update_result(("newer-tag", "newer-tag"), words.moment(NOW))
    (home.state / updates.RESULT).write_text(json.dumps(result))
    for _run in range(3):
        found = home.check()
    assert (home.states(found)["image-updates"], found["state"]) == ("ok", "ok")
    assert "mediaserver_image_updates_waiting 3" in (tmp_path / "metrics" / "mediaserver.prom").read_text()
    assert not (home.state / "notify" / "outbox.json").exists() and home.troubles == []
