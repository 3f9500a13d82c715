# SPDX-License-Identifier: GPL-3.0-or-later
"""The double of Jackett as a process: options, signals, ports, and accounts without write access."""

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
UNPRIVILEGED = 65534
LIMIT_S = 10
# Imported before the change of the account, which may not be able to read Python's folders.
AS_UNPRIVILEGED = f"""
import codecs, os, sys
from jackett_double.__main__ import main
for codec in ("utf-16-le", "utf-8-sig"):
    codecs.lookup(codec)
os.setgroups([])
os.setgid({UNPRIVILEGED})
os.setuid({UNPRIVILEGED})
sys.exit(main())
"""


@dataclass
class Installation:
    """A folder for $XDG_CONFIG_HOME, a port, and the processes that use them."""

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
        """Start the double; `plain`: as an account that is not root."""
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(DOUBLES),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "JACKETT_DOUBLE_STARTUP_S": str(startup_s),
            "JACKETT_DOUBLE_RELOAD_S": "0.1",
        }
        start = ["-c", AS_UNPRIVILEGED] if plain and os.geteuid() == 0 else ["-m", "jackett_double"]
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
        """Return status and session cookie."""
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
def installation() -> Iterator[Installation]:
    # Not in pytest's folder, which other accounts cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="jackett-double-"))
    folder.chmod(0o755)
    (folder / "config").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    found = Installation(folder, port)
    yield found
    for process in found.started:
        process.kill()
        process.communicate()
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def own(*paths: Path) -> None:
    """Change the owner of the folders to the account of the process."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, UNPRIVILEGED, UNPRIVILEGED)


def foreign(path: Path, mode: int) -> None:
    """Change owner and mode of a path, so that the account has only the access of the mode."""
    path.chmod(mode)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signal_ends_process_at_once(installation: Installation, number: signal.Signals) -> None:
    installation.write()
    process = installation.ready("--NoUpdates")
    begun = time.monotonic()
    process.send_signal(number)
    assert process.wait(LIMIT_S) == 0
    assert time.monotonic() - begun < 2


def test_hangup_kills_process(installation: Installation) -> None:
    installation.write()
    # Under nohup the signal is ignored, and child processes inherit that.
    ours = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        process = installation.ready()
    finally:
        signal.signal(signal.SIGHUP, ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(LIMIT_S) == -signal.SIGHUP


def test_signal_during_start_is_not_an_orderly_end(installation: Installation) -> None:
    installation.write()
    process = installation.run(startup_s=60)
    assert process.stdout is not None and "Starting" in process.stdout.readline()
    with pytest.raises(ConnectionRefusedError):
        installation.ask("GET", "/health")
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == -signal.SIGTERM


def test_session_stays_valid_after_kill(installation: Installation) -> None:
    installation.write()
    process = installation.ready()
    cookie = installation.ask("POST", "/UI/Dashboard")[1]
    before = installation.file.read_bytes()
    process.kill()
    process.wait()
    installation.ready()
    assert installation.ask("GET", "/api/v2.0/server/config", cookie=cookie)[0] == 200
    assert installation.file.read_bytes() == before


def test_used_port_ends_process(installation: Installation) -> None:
    installation.write()
    installation.ready()
    second = installation.run()
    assert second.wait(LIMIT_S) == 1
    assert second.stdout is not None and "Address already in use" in second.stdout.read()


@pytest.mark.parametrize("port", [70000, -1])
def test_invalid_port_is_saved_before_crash(installation: Installation, port: int) -> None:
    installation.write()
    assert installation.run("-p", str(port)).wait(LIMIT_S) == -signal.SIGABRT
    assert json.loads(installation.file.read_text())["Port"] == port


@pytest.mark.parametrize("switch", ["--ProxyConnection", "--help", "--version", "-q"])
def test_option_that_ends_process(installation: Installation, switch: str) -> None:
    process = installation.run("--NoUpdates", switch)
    assert process.wait(LIMIT_S) == 1
    assert process.stdout is not None and process.stdout.read().startswith("Jackett v0.24.2440")
    assert not installation.data.exists()


def test_options_of_container(installation: Installation) -> None:
    """As in the image: listens on all addresses, with an empty folder."""
    process = installation.ready("--NoUpdates", "-p", str(installation.port), "--ListenPublic")
    written = json.loads(installation.file.read_text())
    assert (written["Port"], written["AllowExternal"]) == (installation.port, True)
    for host in ("127.0.0.1", "::1") if socket.has_dualstack_ipv6() else ("127.0.0.1",):
        socket.create_connection((host, installation.port), LIMIT_S).close()
    process.terminate()
    assert process.wait(LIMIT_S) == 0


def test_pid_file_exists_while_process_runs(installation: Installation) -> None:
    installation.write()
    path = installation.folder / "j.pid"
    process = installation.ready("--PIDFile", str(path))
    assert path.read_text() == str(process.pid)
    process.terminate()
    process.wait(LIMIT_S)
    assert not path.exists()


def try_password(installation: Installation) -> tuple[int, int]:
    """Return the status of GET settings after a login, and of a password change in that session."""
    cookie = installation.ask("POST", "/UI/Dashboard")[1]
    settings = installation.ask("GET", "/api/v2.0/server/config", cookie=cookie)[0]
    return settings, installation.ask("POST", "/api/v2.0/server/adminpassword", '"x"', cookie)[0]


def test_other_account_can_run_it(installation: Installation) -> None:
    installation.write()
    own(installation.data, installation.file)
    installation.ready(plain=True)
    assert try_password(installation) == (200, 204)
    assert json.loads(installation.file.read_text())["AdminPassword"]


def test_login_fails_with_read_only_folder(installation: Installation) -> None:
    installation.write()
    before = installation.file.read_bytes()
    foreign(installation.data, 0o555)
    installation.ready(plain=True)
    assert try_password(installation) == (302, 302)
    assert installation.file.read_bytes() == before
    assert [path.name for path in installation.data.iterdir()] == ["ServerConfig.json"]


def test_starts_with_read_only_folder(installation: Installation) -> None:
    installation.data.mkdir()
    foreign(installation.data, 0o555)
    installation.ready("-p", str(installation.port), plain=True)
    assert try_password(installation) == (302, 302)
    assert list(installation.data.iterdir()) == []


def test_folder_that_cannot_be_created_ends_process(installation: Installation) -> None:
    foreign(installation.folder / "config", 0o555)
    process = installation.run(plain=True)
    assert process.wait(LIMIT_S) == -signal.SIGABRT
    assert process.stdout is not None and "Could not create settings directory" in process.stdout.read()


def test_unreadable_settings_are_replaced_in_memory(installation: Installation) -> None:
    installation.write(AdminPassword="0" * 128)
    before = installation.file.read_bytes()
    own(installation.data)
    foreign(installation.file, 0o200 if os.geteuid() else 0o600)
    installation.ready("-p", str(installation.port), plain=True)
    assert try_password(installation) == (200, 204)
    installation.file.chmod(0o600)
    assert installation.file.read_bytes() == before or os.geteuid()


def test_new_password_is_not_saved_with_read_only_file(installation: Installation) -> None:
    installation.write()
    before = installation.file.read_bytes()
    own(installation.data)
    foreign(installation.file, 0o444)
    process = installation.ready(plain=True)
    assert try_password(installation) == (200, 204)
    assert installation.file.read_bytes() == before
    process.terminate()
    output = process.communicate(timeout=LIMIT_S)[0]
    assert "Error writing config file" in output
