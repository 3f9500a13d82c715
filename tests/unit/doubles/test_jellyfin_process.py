# SPDX-License-Identifier: GPL-3.0-or-later
"""The double of Jellyfin as a process: signals, and data that stays after a kill."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jellyfin_installation import PASSWORD, sender

DOUBLES = Path(__file__).resolve().parents[2] / "doubles"
LIMIT_S = 10


class Program:
    """A folder, a port, and the processes that use them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            headers = {"Authorization": sender("one", token), "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ready(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "jellyfin_double", "--config", str(self.folder), "--port", str(self.port)]
        process = subprocess.Popen(
            [*command, "--startup-s", "0.1", "--degraded-s", "0.1"],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(DOUBLES), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.DEVNULL,
        )
        self.started.append(process)
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            try:
                if self.ask("GET", "/health") == (200, "Healthy"):
                    return process
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        raise AssertionError("it does not get healthy")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    found = Program(tmp_path)
    yield found
    for process in found.started:
        process.kill()
        process.wait()


def test_signal_ends_process(program: Program) -> None:
    process = program.ready()
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 0
    assert time.monotonic() - begun < 3


def test_token_stays_valid_after_three_kills(program: Program) -> None:
    process = program.ready()
    assert program.ask("GET", "/Startup/User")[0] == 200
    assert program.ask("POST", "/Startup/User", {"Name": "admin", "Password": PASSWORD})[0] == 204
    assert program.ask("POST", "/Startup/Complete")[0] == 204
    status, text = program.ask("POST", "/Users/AuthenticateByName", {"Username": "admin", "Pw": PASSWORD})
    assert status == 200
    for _ in range(3):
        process.kill()
        process.wait()
        process = program.ready()
        assert program.ask("GET", "/System/Info", token=json.loads(text)["AccessToken"])[0] == 200
