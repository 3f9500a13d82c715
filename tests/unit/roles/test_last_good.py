# SPDX-License-Identifier: GPL-3.0-or-later
"""No service starts without a password: with which files the entry points start it, and with which never.

Run with the shells and programs of the images: dash with coreutils and mawk, and busybox alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._core.json_file import Content
from ansible_collections.household.mediaserver.plugins.module_utils._jackett import model
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.values import hash_password
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jackett.doubles import (
    as_written,
    stored_hash,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ENTRYPOINTS = Path(__file__).resolve().parents[3] / "roles" / "stack" / "files" / "entrypoints"
BUSYBOX = shutil.which("busybox")
APPLETS = (
    *("awk", "cat", "chmod", "cmp", "cp", "date", "env", "find", "grep", "head", "mkdir", "mktemp", "mv", "rm", "sed"),
    *("sh", "sleep", "stat", "tr", "wc"),
)
SHELLS = [
    pytest.param("dash", marks=pytest.mark.skipif(not shutil.which("dash"), reason="dash is not installed")),
    pytest.param("busybox", marks=pytest.mark.skipif(not BUSYBOX, reason="busybox is not installed")),
]

HASH = stored_hash("correct horse")
JACKETT = as_written(AdminPassword=HASH, BlackholeDir='/ü "x" \\ {', ProxyType=-1)
JACKETT_OLDER = as_written(AdminPassword=HASH, ProxyType=-1, CacheTtl=60)
# As transmission_settings writes it.
TRANSMISSION = json.dumps(
    {
        "bind-address-ipv4": "0.0.0.0",
        "download-dir": '/downloads/"complete" {',
        "preferred_transports": ["utp", "tcp"],
        "ratio-limit": 2.5,
        "rpc-authentication-required": True,
        "rpc-password": "{" + "0a" * 20 + "Sa/lt.12",
        "rpc-username": "family",
        "sleep": {"nested": [{}], "none": None},
    },
    indent=4,
)
XML = """<?xml version="1.0" encoding="utf-8"?>
<ServerConfiguration xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <LogFileRetentionDays>3</LogFileRetentionDays>
  <IsStartupWizardCompleted>true</IsStartupWizardCompleted>
  <CachePath />
  <PluginRepositories>
    <RepositoryInfo>
      <Name>Jellyfin &lt;Stable&gt;</Name>
    </RepositoryInfo>
  </PluginRepositories>
</ServerConfiguration>"""
FILES = {"jackett": "Jackett/ServerConfig.json", "transmission": "settings.json", "jellyfin": "config/system.xml"}
ARGUMENTS = {
    "jackett": ["--NoUpdates"],
    "transmission": ["--foreground", "--config-dir"],  # and the folder
    "jellyfin": [],
}
GOOD = {"jackett": JACKETT, "transmission": TRANSMISSION, "jellyfin": XML}
OLDER = {
    "jackett": JACKETT_OLDER,
    "transmission": TRANSMISSION.replace("2.5", "3.5"),
    "jellyfin": XML.replace(">3<", ">4<"),
}
SERVICES = list(FILES)


class Box:
    """One service's folder and its entry point, in which only the paths are replaced."""

    def __init__(self, folder: Path, service: str, shell: str) -> None:
        self.folder = folder
        self.service = service
        self.config = folder / "config"
        self.file = self.config / FILES[service]
        self.good = self.file.with_name(self.file.name + ".good")
        self.file.parent.mkdir(parents=True)
        self.file.write_text(GOOD[service], encoding="utf-8")
        (self.config / "data").mkdir()
        (self.config / "data" / "jellyfin.db").write_bytes(b"SQLite format 3\0" + bytes(100))
        self.word = folder / "ifalias"
        self.word.write_text("the inner barrier stands\n")
        programs = folder / "bin"
        programs.mkdir()
        scripts = folder / "entrypoints"
        scripts.mkdir()
        for source in ENTRYPOINTS.glob("*.sh"):
            text = source.read_text(encoding="utf-8")
            text = re.sub(r"(?<![\w.])/config(?=[/ \n])", str(self.config), text).replace(
                "/entrypoints/", f"{scripts}/"
            )
            text = text.replace("/sys/class/net/eth0/ifalias", str(self.word))
            for program in ("/app/Jackett/jackett", "/jellyfin/jellyfin", "transmission-daemon"):
                text = text.replace(f"exec {program}", "exec started")
            (scripts / source.name).write_text(text, encoding="utf-8")
        (programs / "started").write_text(f'#!/bin/sh\necho "started $*$LC_ALL"\ncat "{self.file}"\n')
        # A real sync may take seconds on a busy disk.
        self.synced = folder / "synced"
        (programs / "sync").write_text(f'#!/bin/sh\necho "$1" >>"{self.synced}"\n')
        for program in programs.iterdir():
            program.chmod(0o755)
        path = str(programs)
        if shell == "busybox":
            for applet in APPLETS:
                (programs / applet).symlink_to(str(BUSYBOX))
        else:
            path += f":{os.defpath}"
        self.command = [str(BUSYBOX), "sh"] if shell == "busybox" else ["dash"]
        self.environment = {"PATH": path}

    def popen(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, str(self.folder / "entrypoints" / f"{self.service}.sh")],
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
        )

    def start(self, **environment: str) -> tuple[str | None, str]:
        """Start once; return what the service read, or None when it was not started, and the messages."""
        process = self.popen(**environment)
        out, said = process.communicate(timeout=60)
        if process.returncode:
            assert out == ""
            assert process.returncode == 1
            assert "un the playbook again" in said or "database" in said
            return None, said
        head, _, read = out.partition("\n")
        assert head.split()[: 1 + len(ARGUMENTS[self.service])] == ["started", *ARGUMENTS[self.service]]
        return read, said

    def write(self, text: str | bytes) -> None:
        self.file.write_bytes(text.encode() if isinstance(text, str) else text)

    def damaged(self) -> list[Path]:
        return sorted(self.file.parent.glob("*.damaged-*"))

    def names(self) -> set[str]:
        return {path.name for path in self.file.parent.iterdir()}


MakeBox = Callable[..., Box]


@pytest.fixture
def make_box(tmp_path: Path) -> MakeBox:
    return lambda service, shell="dash": Box(tmp_path / f"{service}-{shell}", service, shell)


def said_lines(said: str) -> list[str]:
    return said.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("service", SERVICES)
def test_starts_with_a_good_file_and_copies_it(make_box: MakeBox, service: str, shell: str) -> None:
    box = make_box(service, shell)
    box.file.chmod(0o644)
    assert box.start() == (GOOD[service], "")
    assert box.good.read_text() == GOOD[service]
    assert box.good.stat().st_mode & 0o777 == 0o600
    assert box.file.stat().st_mode & 0o777 == 0o644
    stamp = box.good.stat().st_ino
    assert box.start() == (GOOD[service], "")
    assert box.good.stat().st_ino == stamp, "an equal copy was written again"
    box.write(OLDER[service])
    assert box.start() == (OLDER[service], "")
    assert box.good.read_text() == OLDER[service]
    assert box.names() - {"data"} == {box.file.name, box.good.name}


@pytest.mark.parametrize("shell", SHELLS)
def test_syncs_a_copy_before_it_is_renamed_and_the_folder_afterwards(make_box: MakeBox, shell: str) -> None:
    box = make_box("jackett", shell)
    box.start()
    new, folder = box.synced.read_text().splitlines()
    assert new.startswith(f"{box.good}.new-")
    assert folder == str(box.file.parent)
    (box.folder / "bin" / "sync").unlink()
    if shell == "busybox":
        (box.folder / "bin" / "sync").symlink_to(str(BUSYBOX))
    box.good.unlink()
    assert box.start() == (JACKETT, "")
    assert box.good.exists()


def jackett_with(**fields: Any) -> str:
    return as_written(**{"AdminPassword": HASH, **fields})


def jackett_line(old: str, new: str) -> str:
    assert old in JACKETT
    return JACKETT.replace(old, new)


BAD: list[tuple[str, str, str | bytes | None, str]] = [
    *[
        entry
        for service in SERVICES
        for entry in (
            (service, "missing", None, "is missing"),
            (service, "empty", "", "is empty"),
            (service, "blank", " \n", "is truncated"),
            (service, "zeros at its end", GOOD[service].encode() + bytes(9), "contains NUL bytes"),
            (service, "zeros within", GOOD[service].encode().replace(b"a", b"\0", 1), "contains NUL bytes"),
            (service, "something behind", GOOD[service] + "x", "is truncated"),
            (service, "twice", GOOD[service] * 2, "is truncated"),
            (service, "without its head", GOOD[service][60:], "is truncated"),
        )
    ],
    ("jackett", "open", jackett_with(AdminPassword=None), "has a value of the wrong type in line 7"),
    ("jackett", "empty hash", jackett_with(AdminPassword=""), "in line 7"),
    ("jackett", "hash in capitals", jackett_with(AdminPassword=HASH.upper()), "in line 7"),
    ("jackett", "short hash", jackett_with(AdminPassword=HASH[1:]), "has no password"),
    ("jackett", "plain text", jackett_with(AdminPassword="correct horse"), "in line 7"),
    ("jackett", "no hash field", JACKETT.replace(f'  "AdminPassword": "{HASH}",\n', ""), "has no password"),
    ("jackett", "blank key", jackett_with(APIKey="  "), "in line 6"),
    ("jackett", "null key", jackett_with(APIKey=None), "in line 6"),
    ("jackett", "no key", jackett_line('  "APIKey"', '  "APIKay"'), "has no key"),
    ("jackett", "blank id", jackett_with(InstanceId=""), "in line 8"),
    ("jackett", "port a word", jackett_with(Port="abc"), "in line 2"),
    ("jackett", "port null", jackett_with(Port=None), "in line 2"),
    ("jackett", "port a fraction", jackett_with(Port=1.5), "in line 2"),
    ("jackett", "port too large", jackett_with(Port=2**31), "a number that is too large in line 2"),
    ("jackett", "ttl too large", jackett_with(CacheTtl=10**19), "a number that is too large"),
    ("jackett", "flag a number", jackett_with(AllowExternal=1), "in line 4"),
    ("jackett", "flag null", jackett_with(CacheEnabled=None), "wrong type"),
    ("jackett", "text a list", jackett_with(ProxyUrl=["x"]), "wrong type"),
    ("jackett", "text a flag", jackett_with(BlackholeDir=True), "wrong type"),
    ("jackett", "type in small letters", jackett_line('"Port": 9117', '"port": "x"'), "in line 2"),
    ("jackett", "twice a field", jackett_line('  "Port"', '  "port": 1,\n  "Port"'), "has a field twice"),
    ("jackett", "two on a line", jackett_line("null,\n", 'null, "Port": "x",\n'), "more than one field"),
    ("jackett", "one line", json.dumps(json.loads(JACKETT)), "is not as Jackett writes it in line 1"),
    ("jackett", "four spaces", json.dumps(json.loads(JACKETT), indent=4), "is not as Jackett writes it"),
    ("jackett", "a comment", jackett_line("{\n", "{\n  // mine\n"), "not JSON"),
    ("jackett", "comma at the end", jackett_line("true\n}", "true,\n}"), "not JSON"),
    ("jackett", "no comma", jackett_line("9117,", "9117"), "not JSON"),
    ("jackett", "null", "null", "not JSON"),
    ("jackett", "a list", "[]", "not JSON"),
    ("transmission", "open", TRANSMISSION.replace("true", "false"), "does not require a password"),
    (
        "transmission",
        "no switch",
        TRANSMISSION.replace("rpc-authentication", "rpc-auth"),
        "does not require a password",
    ),
    (
        "transmission",
        "the switch twice",
        TRANSMISSION.replace("{\n", '{\n"rpc_authentication_required": false,\n', 1),
        "does not require a password",
    ),
    ("transmission", "plain text", TRANSMISSION.replace("0a" * 20, "plain"), "has no password"),
    ("transmission", "no password", TRANSMISSION.replace("rpc-password", "x"), "has no password"),
    ("transmission", "not closed", TRANSMISSION.replace("]", "}"), "not JSON"),
    ("jellyfin", "open", XML.replace(">true<", ">false<"), "wizard is not completed"),
    ("jellyfin", "both", XML.replace("  <LogFile", "  <IsStartupWizardCompleted>false<x/>\n  <LogFile"), "not XML"),
    ("jellyfin", "no switch", XML.replace("IsStartup", "WasStartup"), "wizard is not completed"),
    ("jellyfin", "crossed tags", XML.replace("</RepositoryInfo>", "").replace("<CachePath />", "<A>"), "not XML"),
    ("jellyfin", "another document", XML.replace("ServerConfiguration", "Other"), "not XML"),
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("service", "case", "text", "why"), BAD, ids=[f"{s} {c}" for s, c, _, _ in BAD])
def test_refuses_or_replaces_a_bad_file(
    make_box: MakeBox, service: str, case: str, text: str | bytes | None, why: str, shell: str
) -> None:
    box = make_box(service, shell)

    def damage() -> None:
        if text is None:
            box.file.unlink()
        else:
            box.write(text)

    damage()
    started, said = box.start()
    assert started is None, case
    assert said_lines(said) == [
        f"{service}: {box.file} {said.split(str(box.file))[1].split(',')[0].strip()}, and there is no good copy of it."
        " The service would need no password, so it does not start. Run the playbook again."
    ]
    assert why in said
    assert box.damaged() == []
    assert box.file.exists() is (text is not None)

    if shell == "busybox":
        return
    box.write(OLDER[service])
    box.file.chmod(0o640)
    box.start()
    damage()
    started, said = box.start()
    assert started == OLDER[service]
    (line,) = said_lines(said)
    assert why in line
    assert "the copy from its last good start is back" in line
    assert box.file.stat().st_mode & 0o777 == (0o640 if text is not None else 0o600)
    if text is not None:
        (aside,) = box.damaged()
        assert aside.read_bytes() == (text.encode() if isinstance(text, str) else text)
        assert str(aside) in line


def test_accepts_every_file_that_jackett_may_write(make_box: MakeBox) -> None:
    box = make_box("jackett")
    for text in (
        jackett_with(),
        jackett_with(New=None, Nested={"a": [1, "x, {", {}], "Port": "x"}, Empty=[], Other={}, Number=-1.5e3),
        jackett_with(ProxyUrl="", ProxyPort=8080, ProxyPassword='a\tb "c" \\', CacheTtl=10**17),
        jackett_with() + "\n",
    ):
        box.write(text)
        assert box.start() == (text, "")


def test_accepts_every_spelling_that_transmission_writes(make_box: MakeBox) -> None:
    box = make_box("transmission")
    data = json.loads(TRANSMISSION)
    data["rpc-password"] = hash_password("correct horse")
    snake = {name.replace("-", "_"): value for name, value in data.items()}
    for text in (json.dumps(data, indent=4) + "\n", json.dumps(snake, indent=4), json.dumps({**data, "umask": 2})):
        box.write(text)
        assert box.start() == (text, "")


# Shorter, because each byte is a start.
CUT = {
    "jackett": model.render(
        {name: json.loads(JACKETT)[name] for name in ("Port", "APIKey", "AdminPassword", "InstanceId")}
    ),
    "transmission": model.render(
        {name: json.loads(TRANSMISSION)[name] for name in ("rpc-authentication-required", "rpc-password", "sleep")}
    ),
    "jellyfin": "".join(line for line in XML.splitlines(keepends=True) if re.search("Server|Startup|Cache", line)),
}


@pytest.mark.parametrize("service", SERVICES)
def test_never_starts_with_a_truncated_file(make_box: MakeBox, service: str) -> None:
    box = make_box(service)
    whole = CUT[service].encode()
    box.write(whole)
    assert box.start()[0] == CUT[service]
    box.good.unlink()
    for cut in range(len(whole)):
        box.write(whole[:cut])
        started, _ = box.start()
        assert started is None, f"cut after {cut} bytes"


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.skipif(not BUSYBOX, reason="busybox is not installed")
def test_never_starts_with_a_truncated_file_under_busybox(make_box: MakeBox, service: str) -> None:
    box = make_box(service, "busybox")
    whole = CUT[service].encode()
    box.write(whole)
    assert box.start()[0] == CUT[service]
    box.good.unlink()
    for cut in [*range(0, len(whole) - 40, 17), *range(len(whole) - 40, len(whole))]:
        box.write(whole[:cut])
        started, _ = box.start()
        assert started is None, f"cut after {cut} bytes"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("service", SERVICES)
def test_restores_the_copy_once(make_box: MakeBox, service: str, shell: str) -> None:
    box = make_box(service, shell)
    box.start()
    box.write("")
    for said in ("is back", ""):
        started, told = box.start()
        assert started == GOOD[service]
        assert said in told
        assert bool(said) is bool(told)


@pytest.mark.parametrize("service", SERVICES)
def test_does_not_restore_a_damaged_copy(make_box: MakeBox, service: str) -> None:
    box = make_box(service)
    box.start()
    box.good.write_text(GOOD[service][:-1])
    box.write("")
    assert box.start()[0] is None
    box.good.unlink()
    box.good.symlink_to(box.folder / "elsewhere")
    (box.folder / "elsewhere").write_text(GOOD[service])
    assert box.start()[0] is None


def test_replaces_a_symbolic_link_by_the_copy(make_box: MakeBox) -> None:
    box = make_box("jackett")
    box.start()
    elsewhere = box.folder / "elsewhere"
    box.file.rename(elsewhere)
    box.file.symlink_to(elsewhere)
    started, said = box.start()
    assert (started, box.file.is_symlink()) == (JACKETT, False)
    assert elsewhere.read_text() == JACKETT
    assert "is missing" in said


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("service", ["transmission", "jackett"])
def test_no_service_starts_before_the_inner_barrier_is_loaded(make_box: MakeBox, service: str, shell: str) -> None:
    box = make_box(service, shell)
    for word in (None, ""):
        if word is None:
            box.word.unlink()
        else:
            box.word.write_text(word)
        process = box.popen()
        assert process.stderr is not None and process.stdout is not None
        assert process.stderr.readline() == f"{service}: waits until the inner barrier stands\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        box.word.write_text("the inner barrier stands\n")
        out, said = process.communicate(timeout=10)
        assert (out.split()[0], said) == ("started", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_keeps_few_damaged_files_and_all_of_other_programs(make_box: MakeBox, shell: str) -> None:
    box = make_box("jackett", shell)
    box.start()
    others = box.file.with_name("ServerConfig.json.damaged-0123456789ab")
    others.write_text("kept by another program")
    for number in range(9):
        old = box.file.with_name(f"ServerConfig.json.damaged-2026010{number}T000000Z")
        old.write_text(f"old {number}")
    for number in range(5):
        leftover = box.file.with_name(f"ServerConfig.json.good.new-abcde{number}")
        leftover.write_text("left by a power cut")
        os.utime(leftover, (number, number))
    younger = box.file.with_name("ServerConfig.json.good.new-fghijk")
    younger.write_text("another start's")
    box.write("new")
    assert box.start()[0] == JACKETT
    box.write(JACKETT_OLDER)
    box.start()
    kept = [path.read_text() for path in box.damaged() if path != others]
    assert sorted(kept) == ["new", "old 5", "old 6", "old 7", "old 8"]
    assert others.exists()
    assert list(box.file.parent.glob("*.new-*")) == [younger]


@pytest.mark.parametrize("damage", ["", JACKETT[:-5], None])
def test_concurrent_starts_all_read_a_good_file(make_box: MakeBox, damage: str | None) -> None:
    box = make_box("jackett")
    box.start()
    if damage is None:
        box.file.unlink()
    else:
        box.write(damage)
    processes = [box.popen() for _ in range(8)]
    outputs = [process.communicate(timeout=60)[0].partition("\n")[2] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    assert set(outputs) == {JACKETT}
    assert box.file.read_text() == box.good.read_text() == JACKETT
    assert list(box.file.parent.glob("*.new-*")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_copy_and_restored_file_keep_the_owner(make_box: MakeBox) -> None:
    box = make_box("jackett")
    os.chown(box.file, 2000, 2001)
    box.start()
    box.file.unlink()
    box.start()
    for path in (box.file, box.good):
        assert (path.stat().st_uid, path.stat().st_gid) == (2000, 2001)


def test_on_a_full_disk_starts_with_a_good_file_only(make_box: MakeBox) -> None:
    box = make_box("jackett")
    box.start()
    full = box.folder / "bin" / "mktemp"
    full.write_text("#!/bin/sh\nexit 1\n")
    full.chmod(0o755)
    box.write(JACKETT_OLDER)
    started, said = box.start()
    assert started == JACKETT_OLDER
    assert "it could not be copied" in said
    box.write("")
    process = box.popen()
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "is the disk full?" in said


def test_discards_a_copy_of_a_file_that_changed_meanwhile(make_box: MakeBox) -> None:
    box = make_box("jackett")
    box.start()
    copier = box.folder / "bin" / "cp"
    copier.write_text('#!/bin/sh\nhead -c 50 "$2" >"$3"\n')
    copier.chmod(0o755)
    box.write(JACKETT_OLDER)
    started, said = box.start()
    assert started == JACKETT_OLDER
    assert "it could not be copied" in said
    assert box.good.read_text() == JACKETT
    assert box.names() == {box.file.name, box.good.name}


@pytest.mark.parametrize("content", [None, b"", b"SQLite format 2", bytes(100)])
def test_jellyfin_does_not_start_without_its_database(make_box: MakeBox, content: bytes | None) -> None:
    box = make_box("jellyfin")
    database = box.config / "data" / "jellyfin.db"
    database.unlink()
    if content is not None:
        database.write_bytes(content)
    process = box.popen()
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "jellyfin.db is missing or damaged" in said


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "Port": st.integers(1, 65535),
        "CacheTtl": st.integers(1, 10**17),
        "BlackholeDir": st.text().map(lambda tail: f"/{tail}"),
        "ProxyPassword": st.text(),
        "OmdbApiKey": st.text(alphabet="{}[]\",:\\@# null1e'\u2028\x85ü"),
        "Extra": st.none() | st.booleans() | st.text() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9),
    },
)


@given(fields=FIELDS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_starts_with_every_file_that_the_module_writes(tmp_path_factory: pytest.TempPathFactory, fields: Any) -> None:
    try:
        wanted = model.read_wanted(fields, allow_unknown=True)
    except InvalidValue:
        return
    stored = model.parse(Content())
    spares = [{"APIKey": "k" * 32, "InstanceId": "i" * 64}]
    fields = model.target(wanted, stored, password="correct horse", api_key="", spares=spares)
    text = model.render(model.merge(stored, fields))
    box = Box(tmp_path_factory.mktemp("box") / "jackett", "jackett", "dash")
    box.write(text)
    assert box.start() == (text, "")
