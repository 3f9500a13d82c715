# SPDX-License-Identifier: GPL-3.0-or-later
"""The two styles of settings.json: read and written in the file's own, one spelling of each setting."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._transmission import file as files
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import SETTINGS, TABLE

KEBAB = {
    "speed-limit-up": 1,
    "peer-limit-global": 9,
    "umask": "022",
    "encryption": 1,
    "start_paused": False,
    "proxy_url": None,
}
SNAKE = {
    "speed_limit_up": 1,
    "peer_limit_global": 9,
    "umask": "022",
    "encryption": "preferred",
    "start_paused": False,
    "proxy_url": None,
}


@pytest.mark.parametrize(
    ("data", "snake"),
    [
        ({}, False),
        ({"umask": 18, "start_paused": True}, False),
        (KEBAB, False),
        (SNAKE, True),
        ({**KEBAB, "cache_size_mib": 4}, False),
        ({**SNAKE, "dht-enabled": True, "peer_port": 1}, True),
    ],
)
def test_the_style_is_the_one_of_most_names(data: dict[str, Any], snake: bool) -> None:
    assert files.is_snake(data) is snake


@pytest.mark.parametrize(
    ("data", "changes", "after"),
    [
        ({}, {"umask": "002", "encryption": 2}, {"umask": 2, "encryption": 2}),
        ({"umask": 18}, {"umask": "002"}, {"umask": 2}),
        ({"umask": "022"}, {"umask": "002"}, {"umask": "002"}),
        (SNAKE, {"encryption": 0}, {**SNAKE, "encryption": "allowed"}),
        (SNAKE, {"cache-size-mb": 3}, {**SNAKE, "cache_size_mib": 3}),
        (SNAKE, {"peer-socket-tos": "cs1"}, {**SNAKE, "peer_socket_diffserv": "cs1"}),
        ({**SNAKE, "umask": 18}, {"umask": "002"}, {**SNAKE, "umask": 2}),
        (
            {"peer_port": 1},
            {"umask": "002", "encryption": 1},
            {"peer_port": 1, "umask": "002", "encryption": "preferred"},
        ),
        (
            {"peer_port": 1},
            {"preallocation": 2, "message-level": 3},
            {"peer_port": 1, "preallocation": 2, "message_level": 3},
        ),
        ({"peer-port": 1, "preallocation": "fast"}, {"preallocation": 0}, {"peer-port": 1, "preallocation": "none"}),
        (KEBAB, {"start-paused": True, "proxy-url": "x"}, {**KEBAB, "start_paused": True, "proxy_url": "x"}),
        (
            {**KEBAB, "speed_limit_up": 2, "start-paused": 1},
            {"speed-limit-up": 3},
            {**KEBAB, "speed-limit-up": 3, "start-paused": 1},
        ),
        ({**KEBAB, "start-paused": True}, {"start-paused": True}, {**KEBAB, "start_paused": True}),
        (KEBAB, {"something_else": [1]}, {**KEBAB, "something_else": [1]}),
    ],
)
def test_a_change_is_written_as_the_file_is(
    data: dict[str, Any], changes: dict[str, Any], after: dict[str, Any]
) -> None:
    before = dict(data)
    assert files.merge_file(data, changes) == after
    assert data == before
    read = files.from_file(after, changes)
    assert read == {name: changes[name] for name in changes}


@pytest.mark.parametrize("style", [KEBAB, SNAKE])
def test_what_a_daemon_of_this_style_does_not_read_is_not_found(style: dict[str, Any]) -> None:
    other = {"peer-port": 7, "peer_port": 7}
    mine = "peer_port" if style is SNAKE else "peer-port"
    del other[mine]
    assert files.from_file({**style, **other}, {"peer-port": 7}) == {}
    assert files.from_file({**style, mine: 7}, {"peer-port": 7}) == {"peer-port": 7}


def test_every_setting_has_one_name_in_each_style() -> None:
    for style in ("in_file", "in_snake_file"):
        names = [getattr(setting, style) for setting in SETTINGS]
        assert len(names) == len(set(names))
    assert all("-" not in setting.in_snake_file for setting in SETTINGS)
    # The few that no daemon ever wrote in kebab-case.
    assert {setting.name for setting in SETTINGS if "_" in setting.in_file} == {
        "preferred-transports",
        "proxy-url",
        "sequential-download",
        "start-paused",
        "torrent-complete-verify-enabled",
    }
    assert TABLE["cache-size-mb"].in_snake_file == "cache_size_mib"
