# SPDX-License-Identifier: GPL-3.0-or-later
"""Observations of ServerConfig.json and of the settings over HTTP."""

from __future__ import annotations

import json
import socket

from jackett_double.config_file import FIELDS, render
from jackett_replay import BASE, Replay, matches_start, set_old_time

from .checks import CHECKS, Line, check, equals


def check_start_with_file(replay: Replay, line: Line) -> None:
    """Check a start with a given ServerConfig.json."""
    text = line["before"]
    if text.endswith("..."):
        # The recording shortened the text; the complete text is the default file.
        made = render({**{name: value for name, _, value in FIELDS}, **BASE})
        assert made.startswith(text.removesuffix("..."))
        text = line["after"] = made
    replay.stop()
    replay.data.mkdir(parents=True, exist_ok=True)
    replay.path.write_text(text, "utf-8")
    before = set_old_time(replay.path)
    replay.run()
    after = replay.path.stat()
    assert (after.st_mtime_ns != before.st_mtime_ns) is line["rewritten_at_start"]
    assert (after.st_ino == before.st_ino) is line["inode_equal"]
    present = replay.path.read_bytes().decode("utf-8")
    assert (present == text) is line["sha_equal"]
    assert matches_start(line["after"], present), f"{line['after']} recorded, {present} given"
    replay.login()


@check("server-config-file", "extra field after a save")
def extra_field(replay: Replay, line: Line) -> None:
    assert matches_start(line["after"], replay.path.read_text("utf-8"))
    assert ("SomethingElse" in replay.file) is line["kept"]
    replay.kept["save"] = set_old_time(replay.path)


@check("server-config-file", "file written again (mtime) although equal")
def rewritten_although_equal(replay: Replay, line: Line) -> None:
    before, after = replay.kept["save"], replay.path.stat()
    assert after.st_mtime_ns != before.st_mtime_ns and after.st_ino == before.st_ino


equals(
    "server-config-file",
    "proxy_type shown by the API then",
    lambda replay: json.loads(replay.with_session("GET", "/api/v2.0/server/config").body)["proxy_type"],
)


@check("server-config-file", "file edited while running")
def edited_while_running(replay: Replay, line: Line) -> None:
    replay.edit(**line["observation"]["edit"])
    shown = json.loads(replay.with_session("GET", "/api/v2.0/server/config").body)
    assert {key: shown[key] for key in ("blackholedir", "cache_ttl")} == line["observation"]["api_shows_before_save"]
    assert replay.settings().status == 200
    assert {key: replay.file[key] for key in ("BlackholeDir", "CacheTtl")} == line["observation"][
        "file_after_an_api_save"
    ]


@check("server-config-api", "file after posting the same settings", "file after the partial body")
def file_text(replay: Replay, line: Line) -> None:
    assert matches_start(line["observation"], replay.path.read_text("utf-8"))


@check("server-config-api", "file after the empty object")
def empty_object(replay: Replay, line: Line) -> None:
    file_text(replay, line)
    assert replay.file["CacheEnabled"] is False


equals("server-config-api", "BlackholeDir after the refused one", lambda s: s.to_recorded(s.file["BlackholeDir"]))
equals("server-config-api", "UpdateDisabled after that refused request (was true)", lambda s: s.file["UpdateDisabled"])
equals("server-config-api", "APIKey in the file then", lambda s: s.file["APIKey"])


def check_web_host(replay: Replay, line: Line) -> None:
    """Check whether the preceding change restarted the web host, and whether process and session survived."""
    recorded = line["observation"]
    assert replay.kept["web_host_restarted"] is (recorded["first_refused_after_s"] is not None)
    assert (replay.running.exit_code is None) is recorded["same_process"]
    assert replay.config_status() == recorded["session_cookie_still_valid"]


def proxy_fields(replay: Replay, line: Line) -> None:
    actual = {key: value for key, value in replay.file.items() if key.startswith("Proxy")}
    assert actual == line["observation"], f"{line['observation']} recorded, {actual} given"


def log_line(replay: Replay, line: Line) -> None:
    (recorded,) = line["observation"]
    assert recorded[len("11-23 13:18:02 ") :] == [text for text in replay.log if "Using proxy" in text][-1]


for kind in ("http", "socks4", "socks5", "disabled"):
    CHECKS["server-config-api", f"file after proxy {kind}"] = proxy_fields
    CHECKS["server-config-api", f"log line after proxy {kind}"] = log_line
CHECKS["server-config-api", "file then"] = proxy_fields


@check("server-config-api", "after the port change")
def changed_port(replay: Replay, line: Line) -> None:
    recorded, ports = line["observation"], replay.running.ports or {}
    assert (replay.file["Port"], replay.config_status()) == (recorded["file_port"], recorded["session_valid"])
    assert replay.running.port == ports[9118] != ports[9117]
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", ports[9117])) != 0


@check("server-config-api", "after choosing a port in use")
def port_in_use(replay: Replay, line: Line) -> None:
    recorded = line["observation"]
    assert replay.running.stopped.wait(5)
    assert (replay.running.exit_code, replay.file["Port"]) == (recorded["process"], recorded["file_port"])
    assert replay.log[-1] == recorded["last_log"][-1][len("11-23 13:18:30 ") :]
