# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops and starts of the daemon: no value is lost, and it is stopped only with a supervisor."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import daemon_process
import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import FileProblem, ServiceProblem
from ansible_collections.household.mediaserver.plugins.module_utils._core.supervisor import Unmanaged
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.file import is_snake
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import SETTINGS

MIX = {
    "umask": "077",
    "watch-dir-enabled": True,
    "speed-limit-up": "321",
    "ratio_limit": 1.25,
    "encryption": "required",
}
FILE_SETTINGS = ["umask", "watch-dir-enabled"]


def test_mixed_settings_without_supervisor_change_nothing(daemon: daemon_process.Daemon) -> None:
    client = daemon.begin()
    before, file = client.session_get(), daemon.path.read_bytes()
    for check in (True, False):
        with pytest.raises(ServiceProblem, match=r"umask, watch-dir-enabled.*name the container or the unit"):
            daemon.run(MIX, check=check, supervisor=Unmanaged())
    after = client.session_get()
    assert {name for name in before if before[name] != after[name]} <= {"download-dir-free-space"}
    assert daemon.path.read_bytes() == file


def test_mixed_settings_keep_daemons_values(daemon: daemon_process.Daemon) -> None:
    client = daemon.begin()
    client.session_set({"peer-limit-global": 123, "alt-speed-up": 45})
    outcome = daemon.four_times(MIX)
    assert outcome.stopped_for == FILE_SETTINGS
    session = client.session_get()
    assert [session[name] for name in ("peer-limit-global", "alt-speed-up", "speed-limit-up", "ratio-limit")] == [
        123,
        45,
        321,
        1.25,
    ]
    assert session["encryption"] == "required"


def test_killed_daemon_keeps_its_values(daemon: daemon_process.Daemon) -> None:
    client = daemon.begin()
    client.session_set({"peer-limit-global": 124})
    daemon.kill_next = True
    daemon.run(MIX)
    session = client.session_get()
    assert (session["peer-limit-global"], session["speed-limit-up"]) == (124, 321)


def test_live_settings_do_not_stop_daemon(daemon: daemon_process.Daemon) -> None:
    daemon.begin()
    process = daemon.process
    assert daemon.four_times({"speed-limit-up": 7}).stopped_for == []
    assert daemon.process is process


def test_settings_before_first_start_are_kept(daemon: daemon_process.Daemon) -> None:
    daemon.path.write_text("{}")
    wanted = {**daemon.kept, **MIX, "rpc-authentication-required": True}
    assert daemon.four_times(wanted, login=True).daemon == "stopped"
    daemon.start()
    daemon.client().wait_for_session(timeout=daemon_process.ANSWER_TIMEOUT_S, clock=time)
    for check in (True, False):
        assert not daemon.run(wanted, login=True, check=check).plan


def test_daemon_writes_file_at_end_and_overwrites_edits(daemon: daemon_process.Daemon) -> None:
    """The reason why the module edits the file only while the daemon is stopped."""
    client = daemon.begin()
    written = daemon.path.read_bytes()
    client.session_set({"speed-limit-up": 321})
    assert daemon.path.read_bytes() == written, "the file is written after a change of a setting"
    daemon.path.write_text(json.dumps({**daemon.data, "message-level": 1, "upload-slots-per-torrent": 3, "x-own": 7}))
    daemon.stop()
    after = daemon.data
    assert after["speed-limit-up"] == 321, "the file is not written at the end"
    assert after["upload-slots-per-torrent"] != 3, "an edit while the daemon runs is kept"
    assert after["x-own"] == 7, "an unknown name is not kept"


def test_client_accepts_new_session_id(daemon: daemon_process.Daemon) -> None:
    client = daemon.begin()
    first = client.session_get()["session-id"]
    daemon.stop()
    daemon.start()
    client.wait_for_session(timeout=daemon_process.ANSWER_TIMEOUT_S, clock=time)
    client.session_set({"speed-limit-up": 8})
    second = client.session_get()
    assert (second["session-id"] != first, second["speed-limit-up"]) == (True, 8)


@pytest.mark.parametrize("raw", ["", '{"umask": 18,', "[1]", '{"umask": 18 /* comment */}'])
def test_damaged_file_is_kept_and_recreated_on_request(daemon: daemon_process.Daemon, raw: str) -> None:
    daemon.path.write_text(raw)
    with pytest.raises(FileProblem, match=r"is damaged: .*; kept as .*\.damaged-"):
        daemon.run(MIX)
    assert daemon.path.read_text() == raw
    wanted = {**daemon.kept, **MIX}
    outcome = daemon.four_times(wanted, recreate_damaged=True)
    assert Path(outcome.kept_aside).read_text() == raw
    daemon.start()
    daemon.client().wait_for_session(timeout=daemon_process.ANSWER_TIMEOUT_S, clock=time)
    assert not daemon.run(wanted).plan


def test_damaged_file_of_running_daemon_is_recreated_from_its_values(daemon: daemon_process.Daemon) -> None:
    client = daemon.begin()
    client.session_set({"peer-limit-global": 125})
    daemon.path.write_text('{"umask": ')
    outcome = daemon.four_times({"speed-limit-up": 9}, recreate_damaged=True)
    assert Path(outcome.kept_aside).read_text() == '{"umask": '
    assert client.session_get()["peer-limit-global"] == 125


def test_file_in_snake_case_keeps_its_style(daemon: daemon_process.Daemon, system: daemon_process.System) -> None:
    if not system.json_rpc:
        pytest.skip(f"{system.version} writes kebab-case only")
    daemon.environment["TR_SAVE_VERSION_FORMAT"] = "5"
    daemon.begin()
    assert is_snake(daemon.data)
    wanted: dict[str, Any] = {
        **MIX,
        "cache-size-mb": 3,
        "start-paused": True,
        "peer-socket-tos": "cs1",
        "proxy-url": "http://127.0.0.1:9",
        "torrent-complete-verify-enabled": True,
        "sequential-download": True,
        "preallocation": "full",
        "message-level": "error",
    }
    daemon.four_times(wanted)
    for _ in range(2):
        data = daemon.data
        assert [key for key in data if "-" in key] == []
        assert (data["encryption"], data["umask"], data["cache_size_mib"]) == ("required", "077", 3)
        assert (data["start_paused"], data["peer_socket_diffserv"], data["preallocation"]) == (True, "cs1", 2)
        for setting in SETTINGS:
            assert len(set(setting.spellings) & data.keys()) <= 1
        if daemon.state() == "running":
            daemon.stop()
    daemon.four_times({**wanted, "encryption": "tolerated", "umask": "002"})
    assert (daemon.data["encryption"], daemon.data["umask"]) == ("allowed", "002")


def test_accepts_change_to_snake_case(daemon: daemon_process.Daemon, system: daemon_process.System) -> None:
    if not system.json_rpc:
        pytest.skip(f"{system.version} writes kebab-case only")
    daemon.begin()
    daemon.run(MIX)
    daemon.environment["TR_SAVE_VERSION_FORMAT"] = "5"
    daemon.stop()
    daemon.start()
    daemon.client().wait_for_session(timeout=daemon_process.ANSWER_TIMEOUT_S, clock=time)
    assert is_snake(daemon.data)
    assert not daemon.run(MIX).plan
