# SPDX-License-Identifier: GPL-3.0-or-later
"""The double of Jackett as a process: switches, signals, ports, and accounts that may not write."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

DOUBLES = Path(__file__).resolve().parents[2] / "doubles"
NOBODY = 65534
LIMIT_S = 10
# Everything is imported before: the account may not be able to read where Python is.
AS_NOBODY = f"""
import codecs, os, sys
from jackett_double.__main__ import main
for codec in ("utf-16-le", "utf-8-sig"):
    codecs.lookup(codec)
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(main())
"""


@dataclass
class House:
    """A folder for $XDG_CONFIG_HOME, a port, and the processes that were started on them."""

    folder: Path
    port: int
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "config" / "Jackett"

    @property
    def file(self) -> Path:
        return self.data / "ServerConfig.json"

    def write(self, **more: object) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        whole = {"Port": self.port, "AllowExternal": False, "APIKey": "k" * 32, "InstanceId": "i" * 64}
        self.file.write_text(json.dumps({**whole, **more}), "utf-8")

    def run(self, *arguments: str, plain: bool = False, startup_s: float = 0.1) -> subprocess.Popen[str]:
        """`plain`: as an account that is not root."""
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(DOUBLES),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "JACKETT_DOUBLE_STARTUP_S": str(startup_s),
            "JACKETT_DOUBLE_RELOAD_S": "0.1",
        }
        start = ["-c", AS_NOBODY] if plain and os.geteuid() == 0 else ["-m", "jackett_double"]
        process = subprocess.Popen(
            [sys.executable, *start, *arguments],
            env=environment,
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def ask(self, method: str, path: str, body: str | None = None, cookie: str = "") -> tuple[int, str]:
        """Status and session cookie."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            connection.request(method, path, body, {"Cookie": cookie, "Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return answer.status, (answer.headers.get("Set-Cookie") or "").split(";")[0]
        finally:
            connection.close()

    def ready(self, *arguments: str, plain: bool = False) -> subprocess.Popen[str]:
        process = self.run(*arguments, plain=plain)
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until and process.poll() is None:
            try:
                assert self.ask("GET", "/health")[0] == 200
                return process
            except OSError:
                time.sleep(0.02)
        raise AssertionError(
            f"it does not answer: {process.communicate(timeout=1) if process.poll() is not None else ''}"
        )


@pytest.fixture
def house() -> Iterator[House]:
    # Not below pytest's folder, which other accounts may not enter.
    folder = Path(tempfile.mkdtemp(prefix="jackett-double-"))
    folder.chmod(0o755)
    (folder / "config").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    found = House(folder, port)
    yield found
    for process in found.started:
        process.kill()
        process.communicate()
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def own(*paths: Path) -> None:
    """Gives the folders to the account that the process runs as."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, NOBODY, NOBODY)


def foreign(path: Path, mode: int) -> None:
    """Takes a path away from that account, or leaves it what the mode says."""
    path.chmod(mode)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_it_at_once(house: House, number: signal.Signals) -> None:
    house.write()
    process = house.ready("--NoUpdates")
    begun = time.monotonic()
    process.send_signal(number)
    assert process.wait(LIMIT_S) == 0
    assert time.monotonic() - begun < 2


def test_a_hangup_kills_it(house: House) -> None:
    house.write()
    # Tests that run under nohup would hand it on as a signal to be ignored.
    ours = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        process = house.ready()
    finally:
        signal.signal(signal.SIGHUP, ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(LIMIT_S) == -signal.SIGHUP


def test_a_signal_before_it_is_ready_is_no_orderly_end(house: House) -> None:
    house.write()
    process = house.run(startup_s=60)
    assert process.stdout is not None and "Starting" in process.stdout.readline()
    with pytest.raises(ConnectionRefusedError):
        house.ask("GET", "/health")
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == -signal.SIGTERM


def test_a_session_outlives_a_kill(house: House) -> None:
    house.write()
    process = house.ready()
    cookie = house.ask("POST", "/UI/Dashboard")[1]
    before = house.file.read_bytes()
    process.kill()
    process.wait()
    house.ready()
    assert house.ask("GET", "/api/v2.0/server/config", cookie=cookie)[0] == 200
    assert house.file.read_bytes() == before


def test_a_port_that_is_taken_ends_it(house: House) -> None:
    house.write()
    house.ready()
    second = house.run()
    assert second.wait(LIMIT_S) == 1
    assert second.stdout is not None and "Address already in use" in second.stdout.read()


@pytest.mark.parametrize("port", [70000, -1])
def test_a_port_that_is_none_is_saved_before_it_crashes(house: House, port: int) -> None:
    house.write()
    assert house.run("-p", str(port)).wait(LIMIT_S) == -signal.SIGABRT
    assert json.loads(house.file.read_text())["Port"] == port


@pytest.mark.parametrize("switch", ["--ProxyConnection", "--help", "--version", "-q"])
def test_a_switch_that_it_does_not_run_with(house: House, switch: str) -> None:
    process = house.run("--NoUpdates", switch)
    assert process.wait(LIMIT_S) == 1
    assert process.stdout is not None and process.stdout.read().startswith("Jackett v0.24.2440")
    assert not house.data.exists()


def test_the_switches_of_the_container(house: House) -> None:
    """What the image starts it with: every address, all on an empty folder."""
    process = house.ready("--NoUpdates", "-p", str(house.port), "--ListenPublic")
    written = json.loads(house.file.read_text())
    assert (written["Port"], written["AllowExternal"]) == (house.port, True)
    for host in ("127.0.0.1", "::1") if socket.has_dualstack_ipv6() else ("127.0.0.1",):
        socket.create_connection((host, house.port), LIMIT_S).close()
    process.terminate()
    assert process.wait(LIMIT_S) == 0


def test_its_pid_is_in_a_file_while_it_runs(house: House) -> None:
    house.write()
    path = house.folder / "j.pid"
    process = house.ready("--PIDFile", str(path))
    assert path.read_text() == str(process.pid)
    process.terminate()
    process.wait(LIMIT_S)
    assert not path.exists()


def try_password(house: House) -> tuple[int, int]:
    """Status of the settings after a login, and of a change of the password with that session."""
    cookie = house.ask("POST", "/UI/Dashboard")[1]
    settings = house.ask("GET", "/api/v2.0/server/config", cookie=cookie)[0]
    return settings, house.ask("POST", "/api/v2.0/server/adminpassword", '"x"', cookie)[0]


def test_another_account_may_run_it(house: House) -> None:
    house.write()
    own(house.data, house.file)
    house.ready(plain=True)
    assert try_password(house) == (200, 204)
    assert json.loads(house.file.read_text())["AdminPassword"]


def test_nobody_can_log_in_where_the_folder_cannot_be_written(house: House) -> None:
    house.write()
    before = house.file.read_bytes()
    foreign(house.data, 0o555)
    house.ready(plain=True)
    assert try_password(house) == (302, 302)
    assert house.file.read_bytes() == before
    assert [path.name for path in house.data.iterdir()] == ["ServerConfig.json"]


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_start(house: House) -> None:
    house.data.mkdir()
    foreign(house.data, 0o555)
    house.ready("-p", str(house.port), plain=True)
    assert try_password(house) == (302, 302)
    assert list(house.data.iterdir()) == []


def test_a_folder_that_cannot_be_made_is(house: House) -> None:
    foreign(house.folder / "config", 0o555)
    process = house.run(plain=True)
    assert process.wait(LIMIT_S) == -signal.SIGABRT
    assert process.stdout is not None and "Could not create settings directory" in process.stdout.read()


def test_settings_that_cannot_be_read_are_replaced_in_memory(house: House) -> None:
    house.write(AdminPassword="0" * 128)
    before = house.file.read_bytes()
    own(house.data)
    foreign(house.file, 0o200 if os.geteuid() else 0o600)
    house.ready("-p", str(house.port), plain=True)
    assert try_password(house) == (200, 204)
    house.file.chmod(0o600)
    assert house.file.read_bytes() == before or os.geteuid()


def test_a_new_password_is_taken_and_not_saved_where_the_file_cannot_be_written(house: House) -> None:
    house.write()
    before = house.file.read_bytes()
    own(house.data)
    foreign(house.file, 0o444)
    process = house.ready(plain=True)
    assert try_password(house) == (200, 204)
    assert house.file.read_bytes() == before
    process.terminate()
    output = process.communicate(timeout=LIMIT_S)[0]
    assert "Error writing config file" in output
