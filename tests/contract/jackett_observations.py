# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recordings say beside exchanges: each is done again on the double and looked at.

A check returns what it saw in the form of the recording, or asserts.
"""

from __future__ import annotations

import json
import re
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jackett_double import Server, command_line
from jackett_double.config_file import FIELDS, render
from jackett_double.password import hashed
from jackett_double.server import ABORTED, Ended
from jackett_stage import BASE, FILMS, KEY, PASSWORD_DEFINITION, TORRENT, Stage, mark, same_start

Line = dict[str, Any]
Check = Callable[[Stage, Line], Any]
SECRET = "S3cret-Wörd €"
CHECKS: dict[tuple[str, str], Check] = {}


def check(file: str, *names: str) -> Callable[[Check], Check]:
    """Registers what is done for the lines of these names."""

    def register(found: Check) -> Check:
        for name in names:
            CHECKS[file, name] = found
        return found

    return register


def seen(file: str, name: str, look: Callable[[Stage], Any]) -> None:
    """For a line whose observation is simply what `look` sees."""

    def found(stage: Stage, line: Line) -> None:
        there = look(stage)
        assert there == line["observation"], f"{line['observation']!r} recorded, {there!r} given"

    CHECKS[file, name] = found


# First start


@check("first-start", "before ready: what a client sees, with seconds since process start at first sight")
def before_ready(stage: Stage, line: Line) -> None:
    stage.stop()
    for path in [*stage.data.glob("DataProtection/*"), stage.path]:
        path.unlink()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = stage.server = Server(stage.data, port=0, root=True, startup_s=0.3)
    server.ports = {9117: port}
    starting = threading.Thread(target=server.start)
    starting.start()
    time.sleep(0.1)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
    stage.kept["early"] = (stage.path.exists(), any((stage.data / "DataProtection").iterdir()))
    starting.join()
    assert stage.ask("GET", "/health").body == '{"status":"OK"}'


@check("first-start", "when files appear (seconds since process start)")
def files_appear(stage: Stage, line: Line) -> None:
    assert stage.kept["early"] == (True, False)
    assert list((stage.data / "DataProtection").glob("key-*.xml"))


@check("first-start", "files after first start")
def first_files(stage: Stage, line: Line) -> None:
    there = [
        {"path": re.sub("key-.*", "key", stage.recorded(str(path))), "mode": stat.filemode(path.stat().st_mode)}
        for path in [stage.data, *sorted(stage.data.rglob("*"))]
    ]
    recorded = [
        {"path": re.sub("key-.*", "key", entry["path"]), "mode": entry["mode"]} for entry in line["observation"]
    ]
    assert recorded == there
    assert stage.path.stat().st_size == 716


@check("first-start", "ServerConfig.json as written (exact text; keys replaced)")
def first_text(stage: Stage, line: Line) -> None:
    text = stage.path.read_text("utf-8")
    assert same_start(line["text"], text)
    assert (len(text), text.endswith("\n"), stat.filemode(stage.path.stat().st_mode)) == (716, False, "-rw-r--r--")


@check("first-start", "second start with the same folder")
def second_start(stage: Stage, line: Line) -> None:
    before = mark(stage.path), stage.path.read_bytes()
    stage.restart()
    assert (stage.path.stat().st_mtime_ns, stage.path.read_bytes()) == (before[0].st_mtime_ns, before[1])


# Web


def listening(stage: Stage) -> list[str]:
    place = stage.running.listens_on
    return [f"LISTEN 0      512    {place} {'*:*' if place.startswith('*') else '0.0.0.0:*'}"]


seen("first-start", "listening sockets (ss -ltn)", listening)
seen("web-without-password", "listening sockets with AllowExternal false", listening)
seen("server-config-api", "listening sockets", listening)


@check("web-without-password", "cookie jar after login")
def jar(stage: Stage, line: Line) -> None:
    assert set(line["observation"]) == {"TestCookie", "Jackett"} and stage.token


@check("web-with-password", "AdminPassword in the file, computed outside")
def computed(stage: Stage, line: Line) -> None:
    expected = line["observation"]
    assert hashed(expected["password"], expected["APIKey"]) == expected["AdminPassword"] == stage.file["AdminPassword"]


# The file


def whole_file(stage: Stage, line: Line) -> None:
    """A start on a given file."""
    text = line["before"]
    if text.endswith("..."):
        # Cut in the recording: a whole one as the program writes it.
        made = render({**{name: value for name, _, value in FIELDS}, **BASE})
        assert made.startswith(text.removesuffix("..."))
        text = line["after"] = made
    stage.stop()
    stage.data.mkdir(parents=True, exist_ok=True)
    stage.path.write_text(text, "utf-8")
    before = mark(stage.path)
    stage.run()
    after = stage.path.stat()
    assert (after.st_mtime_ns != before.st_mtime_ns) is line["rewritten_at_start"]
    assert (after.st_ino == before.st_ino) is line["inode_equal"]
    present = stage.path.read_bytes().decode("utf-8")
    assert (present == text) is line["sha_equal"]
    assert same_start(line["after"], present), f"{line['after']} recorded, {present} given"
    stage.login()


@check("server-config-file", "extra field after a save")
def extra_field(stage: Stage, line: Line) -> None:
    assert same_start(line["after"], stage.path.read_text("utf-8"))
    assert ("SomethingElse" in stage.file) is line["kept"]
    stage.kept["save"] = mark(stage.path)


@check("server-config-file", "file written again (mtime) although equal")
def written_again(stage: Stage, line: Line) -> None:
    before, after = stage.kept["save"], stage.path.stat()
    assert after.st_mtime_ns != before.st_mtime_ns and after.st_ino == before.st_ino


seen(
    "server-config-file",
    "proxy_type shown by the API then",
    lambda stage: json.loads(stage.as_member("GET", "/api/v2.0/server/config").body)["proxy_type"],
)


@check("server-config-file", "file edited while running")
def edited(stage: Stage, line: Line) -> None:
    stage.edit(**line["observation"]["edit"])
    shown = json.loads(stage.as_member("GET", "/api/v2.0/server/config").body)
    assert {key: shown[key] for key in ("blackholedir", "cache_ttl")} == line["observation"]["api_shows_before_save"]
    assert stage.settings().status == 200
    assert {key: stage.file[key] for key in ("BlackholeDir", "CacheTtl")} == line["observation"][
        "file_after_an_api_save"
    ]


# Settings over HTTP


@check("server-config-api", "file after posting the same settings", "file after the partial body")
def file_text(stage: Stage, line: Line) -> None:
    assert same_start(line["observation"], stage.path.read_text("utf-8"))


@check("server-config-api", "file after the empty object")
def emptied(stage: Stage, line: Line) -> None:
    file_text(stage, line)
    assert stage.file["CacheEnabled"] is False
    # The recorder posts whole settings afterwards; the shown ones have what the empty object left.


seen("server-config-api", "BlackholeDir after the refused one", lambda s: s.recorded(s.file["BlackholeDir"]))
seen("server-config-api", "UpdateDisabled after that refused request (was true)", lambda s: s.file["UpdateDisabled"])
seen("server-config-api", "APIKey in the file then", lambda s: s.file["APIKey"])


def followed(stage: Stage, line: Line) -> None:
    """Whether the web host went away after the change before, and what it is like then."""
    expected = line["observation"]
    assert stage.kept["web_host_restarted"] is (expected["first_refused_after_s"] is not None)
    assert (stage.running.exit_code is None) is expected["same_process"]
    assert stage.config_status() == expected["session_cookie_still_valid"]


def proxy_fields(stage: Stage, line: Line) -> None:
    there = {key: value for key, value in stage.file.items() if key.startswith("Proxy")}
    assert there == line["observation"], f"{line['observation']} recorded, {there} given"


def log_line(stage: Stage, line: Line) -> None:
    (recorded,) = line["observation"]
    assert recorded[len("11-23 13:18:02 ") :] == [text for text in stage.log if "Using proxy" in text][-1]


for kind in ("http", "socks4", "socks5", "disabled"):
    CHECKS["server-config-api", f"file after proxy {kind}"] = proxy_fields
    CHECKS["server-config-api", f"log line after proxy {kind}"] = log_line
CHECKS["server-config-api", "file then"] = proxy_fields


@check("server-config-api", "after the port change")
def other_port(stage: Stage, line: Line) -> None:
    expected, ports = line["observation"], stage.running.ports or {}
    assert (stage.file["Port"], stage.config_status()) == (expected["file_port"], expected["session_valid"])
    assert stage.running.port == ports[9118] != ports[9117]
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", ports[9117])) != 0


@check("server-config-api", "after choosing a port in use")
def taken(stage: Stage, line: Line) -> None:
    expected = line["observation"]
    assert stage.running.stopped.wait(5)
    assert (stage.running.exit_code, stage.file["Port"]) == (expected["process"], expected["file_port"])
    assert stage.log[-1] == expected["last_log"][-1][len("11-23 13:18:30 ") :]


# Password


@check("password", "stored hash compared with own computation", "AdminPassword after a single space")
def stored(stage: Stage, line: Line) -> None:
    assert stage.file["AdminPassword"] == line["observation"]["stored"]
    stage.kept["hash"] = stage.file["AdminPassword"]


def try_logins(stage: Stage) -> dict[str, bool]:
    session = stage.token
    found = {"right": stage.login(SECRET), "wrong": stage.login("wrong"), "empty": stage.login("")}
    stage.token = session
    return found


seen("password", "login right / wrong", try_logins)
seen("password", "stored hash unchanged after those?", lambda s: s.file["AdminPassword"] == s.kept["hash"])
seen("password", "AdminPassword in the file after clearing", lambda s: s.file["AdminPassword"])


def lets_in(stage: Stage, password: str) -> bool:
    session = stage.token
    found = stage.login(password)
    stage.token = session
    return found


@check("password", "APIKey changed in the file while stopped, AdminPassword left")
def changed_key(stage: Stage, line: Line) -> None:
    expected, before = line["observation"], stage.file["AdminPassword"]
    stage.stop()
    stage.edit(APIKey="an0therk3y000000000000000000000a")
    stage.run()
    assert stage.file["AdminPassword"] == before == expected["AdminPassword_in_file_after_start"]
    assert lets_in(stage, SECRET) is expected["old_password_logs_in"]
    assert stage.config_status() == expected["old_session_cookie_still_valid"]


seen(
    "password",
    "hash after that uses the new key",
    lambda s: s.stored(SECRET, s.file["APIKey"]) and not s.stored(SECRET),
)


@check("password", "APIKey emptied in the file with a password set")
def emptied_key(stage: Stage, line: Line) -> None:
    expected, before = line["observation"], stage.file["AdminPassword"]
    stage.stop()
    stage.edit(APIKey="")
    stage.run()
    assert (stage.file["AdminPassword"] == before) is expected["AdminPassword_kept"]
    assert lets_in(stage, SECRET) is expected["old_password_logs_in"]
    assert re.sub("[a-z0-9]", "x", stage.file["APIKey"]) == expected["new_key_shape"]


@check("password", "upper-case hex hash in the file")
def upper_case(stage: Stage, line: Line) -> None:
    stage.stop()
    stage.edit(AdminPassword=(hashed(SECRET, stage.file["APIKey"]) or "").upper())
    stage.run()
    assert lets_in(stage, SECRET) is line["observation"]["logs_in"]


@check("password", "plain text in AdminPassword")
def plain(stage: Stage, line: Line) -> None:
    stage.stop()
    stage.edit(AdminPassword="plaintext")
    stage.run()
    assert lets_in(stage, "plaintext") is line["observation"]["logs_in_with_it"]
    assert stage.file["AdminPassword"] == line["observation"]["file_after"]


# Command line


def started(stage: Stage, line: Line) -> None:
    """A start with switches: what it ends with, what it does to the file, where it listens."""
    arguments = [argument.replace("/config/", f"{stage.folder}/config/") for argument in line["command_line"][1:]]
    stage.stop()
    if "empty data folder" in line["name"]:
        stage.path.unlink(missing_ok=True)
    elif not line["name"].startswith("then "):
        stage.write()
    before = mark(stage.path) if stage.path.exists() else None
    code, words, served = launch(stage, arguments)
    assert (code is not None, served) == (line["ended_by_itself"], line["served_health"]), words
    assert code == {-6: ABORTED}.get(line["exit_code"], line["exit_code"])
    if line["exit_code"] == 1:
        shown = re.sub(r"^[0-9-]+ [0-9:]+ ", "", line["output"].splitlines()[-1])
        errors = re.findall("Option '.*", line["output"]) or [shown]
        assert errors[0].strip() in words or not errors[0].startswith(("Option", "Error", "You"))
    if before is not None and line["config_file_rewritten"] is not None:
        assert (stage.path.stat().st_mtime_ns != before.st_mtime_ns) is line["config_file_rewritten"]
    if line["config_after"] is not None:
        assert {key: stage.file.get(key) for key in line["config_after"]} == line["config_after"]
    if served:
        assert listening(stage) == line["listening"]


def launch(stage: Stage, arguments: list[str]) -> tuple[int | None, str, bool]:
    try:
        options = command_line.read(arguments)
    except command_line.Refused as refused:
        return 1, str(refused), False
    stage.server = Server(options.data or stage.data, port=0, root=True, override=options.override)
    try:
        stage.server.start()
    except Ended as end:
        return end.code, str(end), False
    return None, "", stage.ask("GET", "/health").status == 200


@check("command-line", "did the unknown switch create anything in an empty data folder")
def nothing_made(stage: Stage, line: Line) -> None:
    stage.stop()
    for path in stage.data.rglob("*.*"):
        path.unlink()
    assert launch(stage, ["--ProxyConnection", "x"])[0] == line["observation"]["exit"]
    assert [path.name for path in stage.data.rglob("*.*")] == line["observation"]["files"]


seen(
    "command-line",
    "files with --DataFolder",
    lambda stage: sorted(path.name for path in (stage.folder / "config" / "Other").iterdir()),
)


# Indexers


@check("indexers", "Indexers folder after that add (it did not fail)")
def folder_after_add(stage: Stage, line: Line) -> None:
    assert stage.indexer_files() == line["observation"]


seen("indexers", "configured after that add without network?", lambda s: [s.configured() == ["acgrip"]])
for name in (
    "Indexers folder after those adds (only the nonsense link was refused)",
    "Indexers folder after the second time",
    "Indexers folder after delete",
):
    CHECKS["indexers", name] = folder_after_add
CHECKS["indexers-failures", "Indexers folder then"] = folder_after_add


@check("indexers", "Indexers folder after success")
def stored_indexer(stage: Stage, line: Line) -> None:
    expected = line["observation"]
    files = [[p.name, stat.filemode(p.stat().st_mode)] for p in sorted((stage.data / "Indexers").iterdir())]
    assert files == expected["files"]
    text = stage.recorded((stage.data / "Indexers" / "acgrip.json").read_text("utf-8"))
    # The CookieHeader is empty text or nothing, after what is not known.
    loose = [
        re.sub(r'("CookieHeader",\s+"value": )(null|"")', r"\1null", part) for part in (expected["acgrip.json"], text)
    ]
    assert loose[1].startswith(loose[0].removesuffix("..."))


@check("indexers", "fakepw.json: password stored how")
def stored_password(stage: Stage, line: Line) -> None:
    text = stage.recorded((stage.data / "Indexers" / "fakepw.json").read_text("utf-8"))
    assert text.startswith(line["text"]) and "hunter2" not in text


@check("indexers-failures", "acgrip.json then (holds LastError)")
def stored_error(stage: Stage, line: Line) -> None:
    text = (stage.data / "Indexers" / "acgrip.json").read_text("utf-8")
    assert text.startswith(line["text"])
    assert "Exception (acgrip)" in text


def last_error(stage: Stage) -> str:
    listed = json.loads(stage.as_member("GET", "/api/v2.0/indexers?configured=true").body)
    return str(next(entry["last_error"] for entry in listed if entry["id"] == "acgrip"))


seen("indexers", "last_error of the indexer then", last_error)
seen("indexers-failures", "last_error in /api/v2.0/indexers then", last_error)


@check("indexers", "link of a result")
def link(stage: Stage, line: Line) -> None:
    title = FILMS[1]["title"]
    reply = stage.ask("GET", f"/api/v2.0/indexers/acgrip/results?apikey={KEY}&query=Fake")
    (found,) = [entry["Link"] for entry in json.loads(reply.body)["Results"] if entry["Title"] == title]
    assert re.sub("path=[^&]+", "path=...", found) == line["observation"]["link"]


@check("indexers", "blackhole folder")
def blackhole(stage: Stage, line: Line) -> None:
    ((recorded, size),) = line["observation"]
    (written,) = (stage.folder / "config" / "blackhole").iterdir()
    assert re.sub("^[0-9]{18}", "ticks", written.name) == re.sub("^[0-9]{18}", "ticks", recorded)
    # The recorder's torrent of that moment is not in the recordings; ours comes through whole.
    assert written.read_bytes() == TORRENT and size > 0


@check("indexers", "after restart: configured indexers; an Indexers/nosuchindexer.json lay there")
def unknown_file(stage: Stage, line: Line) -> None:
    stray = stage.data / "Indexers" / "nosuchindexer.json"
    stray.write_text("[]", "utf-8")
    stage.restart()
    assert stage.configured() == line["observation"]["configured"]
    assert not stray.exists()
    add_definition(stage)


def add_definition(stage: Stage) -> None:
    folder = stage.folder / "config" / "cardigann" / "definitions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fakepw.yml").write_text(stage.ours(PASSWORD_DEFINITION), "utf-8")
    stage.restart()


@check("indexers", "broken Indexers/acgrip.json at start")
def broken_file(stage: Stage, line: Line) -> None:
    path = stage.data / "Indexers" / "acgrip.json"
    path.write_text("{broken", "utf-8")
    stage.restart()
    assert path.read_text("utf-8") == line["observation"]["file_after"]
    assert "acgrip" not in stage.configured()


@check("indexers-failures", "downloaded bytes equal the site torrent")
def same_bytes(stage: Stage, line: Line) -> None:
    path = f"/dl/acgrip/?jackett_apikey={KEY}&path={stage.links[FILMS[1]['title']]}&file=x"
    assert (stage.ask("GET", path).body.encode() == TORRENT) is line["observation"]


@check("torznab", "/api/v2.0/indexers with session: count and one sample")
def sample(stage: Stage, line: Line) -> None:
    listed = json.loads(stage.as_member("GET", "/api/v2.0/indexers").body)
    expected = line["observation"]["sample"]
    assert next(entry for entry in listed if entry["id"] == expected["id"]) == expected
    assert [entry["id"] for entry in listed if entry["configured"]] == line["observation"]["configured"]


# The folder of keys


@check("data-protection", "before: keys, session, download link")
def before_loss(stage: Stage, line: Line) -> None:
    add_definition(stage)
    site = f"http://{stage.site.place}/"
    login = [{"id": "username", "value": "me"}, {"id": "password", "value": "hunter2"}]
    for name, more in (("acgrip", []), ("fakepw", login)):
        body = [{"id": "sitelink", "value": site}, *more]
        assert stage.as_member("POST", f"/api/v2.0/indexers/{name}/config", body).status == 204
    assert stage.configured() == ["acgrip", "fakepw"]
    for name in ("acgrip", "fakepw"):
        search_for_links(stage, name)
        stage.kept[name] = stage.links[FILMS[0]["title"]]
    assert stage.config_status() == line["observation"]["config_with_session"]
    assert len(list((stage.data / "DataProtection").iterdir())) == len(line["observation"]["keys"])


def search_for_links(stage: Stage, name: str) -> None:
    session = {"name": "", "method": "GET", "session": False}
    stage.replay({**session, "path": f"/api/v2.0/indexers/{name}/results?apikey={KEY}&query=Fake"})


@check("data-protection", "folder deleted while stopped, then start")
def keys_lost(stage: Stage, line: Line) -> None:
    expected = line["observation"]
    stored = (stage.data / "Indexers" / "fakepw.json").read_bytes()
    lose_keys(stage)
    assert len(list((stage.data / "DataProtection").iterdir())) == len(expected["keys"])
    assert stage.config_status() == expected["config_with_old_session"]
    assert stage.login()
    assert stage.config_status() == expected["new_session_works"]
    old = stage.ask("GET", f"/dl/fakepw/?jackett_apikey={KEY}&path={stage.kept['fakepw']}&file=x")
    assert old.status == expected["old_download_link"]["status"]
    assert json.loads(old.body)["error"].startswith("No authentication handler is registered for the scheme")
    assert stage.configured() == expected["configured_indexers"]
    assert (stage.data / "Indexers" / "fakepw.json").read_bytes() == stored


def lose_keys(stage: Stage) -> None:
    stage.stop()
    remove_keys(stage)
    stage.run()


def remove_keys(stage: Stage) -> None:
    folder = stage.data / "DataProtection"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@check("data-protection", "deleted while running: session made before still valid")
def lost_while_running(stage: Stage, line: Line) -> None:
    remove_keys(stage)
    assert stage.config_status() == line["observation"]


@check("data-protection", "deleted while running: new login")
def login_then(stage: Stage, line: Line) -> None:
    assert stage.login()
    there = {"status": stage.config_status(), "folder_there": (stage.data / "DataProtection").exists()}
    assert there == line["observation"]


@check("data-protection-links", "log then")
def log_of_lost_key(stage: Stage, line: Line) -> None:
    words = stage.running.logged()[0]["Message"]
    assert words.startswith("Error downloading. indexer: acgrip path: ") and "was not found in the key ring" in words


# Faults


@check("faults", "second instance, same port, other data folder")
def second_instance(stage: Stage, line: Line) -> None:
    other = stage.folder / "other" / "Jackett"
    other.mkdir(parents=True)
    (other / "ServerConfig.json").write_text(json.dumps(BASE), "utf-8")
    second_start_ends(stage, other, line)
    there = {path.name for path in other.iterdir()}
    assert there == {"DataProtection", "ServerConfig.json", "log.txt"}


def second_start_ends(stage: Stage, folder: Path, line: Line) -> None:
    second = Server(folder, port=0, root=True)
    second.ports = {9117: stage.running.port}
    try:
        second.start()
    except Ended as end:
        assert end.code == line["observation"]["exit_code"]
        assert str(end) == line["observation"]["output_tail"][-1][len("11-23 13:21:10 ") :]
    else:
        raise AssertionError("the second one has started")


@check("faults", "second instance, same port, same data folder")
def second_on_the_same(stage: Stage, line: Line) -> None:
    second_start_ends(stage, stage.data, line)
    assert stage.ask("GET", "/health").status == line["observation"]["first_still_serves"]


@check("faults", "second instance, other port by -p, same data folder")
def second_beside(stage: Stage, line: Line) -> None:
    with Server(stage.data, port=0, root=True, override={"Port": 9133}):
        assert stage.file["Port"] == line["observation"]["file_port"]
        assert stage.ask("GET", "/health").status == line["observation"]["first_still_serves"]
    stage.write()


@check("faults", "SIGKILL, then start")
def killed(stage: Stage, line: Line) -> None:
    """The double holds nothing that a kill could lose: what counts is what the next start makes of the disk."""
    before = mark(stage.path)
    stage.restart()
    assert (stage.path.stat().st_mtime_ns == before.st_mtime_ns) is line["observation"]["config_untouched"]
    assert stage.config_status() == line["observation"]["session_cookie_still_valid"]


@check("faults", "process after shutdown")
def shut_down(stage: Stage, line: Line) -> None:
    assert stage.running.stopped.wait(5)
    assert stage.running.exit_code == line["observation"]["exit_code"]


def find(file: str, line: Line) -> Check | None:
    if "command_line" in line and "pidfile" not in line:
        return started
    if "before" in line:
        return whole_file
    if line["name"].endswith(": what followed"):
        return followed
    return CHECKS.get((file, line["name"]))
