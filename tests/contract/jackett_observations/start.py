# SPDX-License-Identifier: GPL-3.0-or-later
"""Observations of starts: first start, listening sockets, command line, faults."""

from __future__ import annotations

import json
import re
import socket
import stat
import threading
import time
from pathlib import Path

from jackett_double import Server, command_line
from jackett_double.password import hashed
from jackett_double.server import ABORTED, Ended
from jackett_replay import BASE, Replay, matches_start, set_old_time

from .checks import Line, check, equals


@check("first-start", "before ready: what a client sees, with seconds since process start at first sight")
def before_ready(replay: Replay, line: Line) -> None:
    replay.stop()
    for path in [*replay.data.glob("DataProtection/*"), replay.path]:
        path.unlink()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = replay.server = Server(replay.data, port=0, root=True, startup_s=0.3)
    server.ports = {9117: port}
    starting = threading.Thread(target=server.start)
    starting.start()
    time.sleep(0.1)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
    replay.kept["early"] = (replay.path.exists(), any((replay.data / "DataProtection").iterdir()))
    starting.join()
    assert replay.request("GET", "/health").body == '{"status":"OK"}'


@check("first-start", "when files appear (seconds since process start)")
def files_appear(replay: Replay, line: Line) -> None:
    assert replay.kept["early"] == (True, False)
    assert list((replay.data / "DataProtection").glob("key-*.xml"))


@check("first-start", "files after first start")
def first_files(replay: Replay, line: Line) -> None:
    actual = [
        {"path": re.sub("key-.*", "key", replay.to_recorded(str(path))), "mode": stat.filemode(path.stat().st_mode)}
        for path in [replay.data, *sorted(replay.data.rglob("*"))]
    ]
    recorded = [
        {"path": re.sub("key-.*", "key", entry["path"]), "mode": entry["mode"]} for entry in line["observation"]
    ]
    assert recorded == actual
    assert replay.path.stat().st_size == 716


@check("first-start", "ServerConfig.json as written (exact text; keys replaced)")
def first_text(replay: Replay, line: Line) -> None:
    text = replay.path.read_text("utf-8")
    assert matches_start(line["text"], text)
    assert (len(text), text.endswith("\n"), stat.filemode(replay.path.stat().st_mode)) == (716, False, "-rw-r--r--")


@check("first-start", "second start with the same folder")
def second_start(replay: Replay, line: Line) -> None:
    before = set_old_time(replay.path), replay.path.read_bytes()
    replay.restart()
    assert (replay.path.stat().st_mtime_ns, replay.path.read_bytes()) == (before[0].st_mtime_ns, before[1])


def listening(replay: Replay) -> list[str]:
    place = replay.running.listens_on
    return [f"LISTEN 0      512    {place} {'*:*' if place.startswith('*') else '0.0.0.0:*'}"]


equals("first-start", "listening sockets (ss -ltn)", listening)
equals("web-without-password", "listening sockets with AllowExternal false", listening)
equals("server-config-api", "listening sockets", listening)


@check("web-without-password", "cookie jar after login")
def cookie_jar(replay: Replay, line: Line) -> None:
    assert set(line["observation"]) == {"TestCookie", "Jackett"} and replay.token


@check("web-with-password", "AdminPassword in the file, computed outside")
def stored_hash(replay: Replay, line: Line) -> None:
    recorded = line["observation"]
    assert hashed(recorded["password"], recorded["APIKey"]) == recorded["AdminPassword"] == replay.file["AdminPassword"]


def check_start_with_switches(replay: Replay, line: Line) -> None:
    """Check a start with switches: its exit code, the file after it, and the listening socket."""
    arguments = [argument.replace("/config/", f"{replay.folder}/config/") for argument in line["command_line"][1:]]
    replay.stop()
    if "empty data folder" in line["name"]:
        replay.path.unlink(missing_ok=True)
    elif not line["name"].startswith("then "):
        replay.write()
    before = set_old_time(replay.path) if replay.path.exists() else None
    code, message, served = launch(replay, arguments)
    assert (code is not None, served) == (line["ended_by_itself"], line["served_health"]), message
    assert code == {-6: ABORTED}.get(line["exit_code"], line["exit_code"])
    if line["exit_code"] == 1:
        shown = re.sub(r"^[0-9-]+ [0-9:]+ ", "", line["output"].splitlines()[-1])
        errors = re.findall("Option '.*", line["output"]) or [shown]
        assert errors[0].strip() in message or not errors[0].startswith(("Option", "Error", "You"))
    if before is not None and line["config_file_rewritten"] is not None:
        assert (replay.path.stat().st_mtime_ns != before.st_mtime_ns) is line["config_file_rewritten"]
    if line["config_after"] is not None:
        assert {key: replay.file.get(key) for key in line["config_after"]} == line["config_after"]
    if served:
        assert listening(replay) == line["listening"]


def launch(replay: Replay, arguments: list[str]) -> tuple[int | None, str, bool]:
    try:
        options = command_line.read(arguments)
    except command_line.Refused as refused:
        return 1, str(refused), False
    replay.server = Server(options.data or replay.data, port=0, root=True, override=options.override)
    try:
        replay.server.start()
    except Ended as end:
        return end.code, str(end), False
    return None, "", replay.request("GET", "/health").status == 200


@check("command-line", "did the unknown switch create anything in an empty data folder")
def unknown_switch(replay: Replay, line: Line) -> None:
    replay.stop()
    for path in replay.data.rglob("*.*"):
        path.unlink()
    assert launch(replay, ["--ProxyConnection", "x"])[0] == line["observation"]["exit"]
    assert [path.name for path in replay.data.rglob("*.*")] == line["observation"]["files"]


equals(
    "command-line",
    "files with --DataFolder",
    lambda replay: sorted(path.name for path in (replay.folder / "config" / "Other").iterdir()),
)


@check("faults", "second instance, same port, other data folder")
def second_instance(replay: Replay, line: Line) -> None:
    other = replay.folder / "other" / "Jackett"
    other.mkdir(parents=True)
    (other / "ServerConfig.json").write_text(json.dumps(BASE), "utf-8")
    assert_start_fails(replay, other, line)
    actual = {path.name for path in other.iterdir()}
    assert actual == {"DataProtection", "ServerConfig.json", "log.txt"}


def assert_start_fails(replay: Replay, folder: Path, line: Line) -> None:
    second = Server(folder, port=0, root=True)
    second.ports = {9117: replay.running.port}
    try:
        second.start()
    except Ended as end:
        assert end.code == line["observation"]["exit_code"]
        assert str(end) == line["observation"]["output_tail"][-1][len("11-23 13:21:10 ") :]
    else:
        raise AssertionError("the second instance started, expected an end")


@check("faults", "second instance, same port, same data folder")
def second_instance_on_the_same_folder(replay: Replay, line: Line) -> None:
    assert_start_fails(replay, replay.data, line)
    assert replay.request("GET", "/health").status == line["observation"]["first_still_serves"]


@check("faults", "second instance, other port by -p, same data folder")
def second_instance_on_another_port(replay: Replay, line: Line) -> None:
    with Server(replay.data, port=0, root=True, override={"Port": 9133}):
        assert replay.file["Port"] == line["observation"]["file_port"]
        assert replay.request("GET", "/health").status == line["observation"]["first_still_serves"]
    replay.write()


@check("faults", "SIGKILL, then start")
def killed(replay: Replay, line: Line) -> None:
    """Check the start after a kill. The double has no unsaved state, so a restart is equivalent."""
    before = set_old_time(replay.path)
    replay.restart()
    assert (replay.path.stat().st_mtime_ns == before.st_mtime_ns) is line["observation"]["config_untouched"]
    assert replay.config_status() == line["observation"]["session_cookie_still_valid"]


@check("faults", "process after shutdown")
def exit_code(replay: Replay, line: Line) -> None:
    assert replay.running.stopped.wait(5)
    assert replay.running.exit_code == line["observation"]["exit_code"]
