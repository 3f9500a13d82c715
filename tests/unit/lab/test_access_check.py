# SPDX-License-Identifier: GPL-3.0-or-later
"""The access check has a request for each service with a web interface, and finds out whether one is open."""

from __future__ import annotations

import http.server
import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import services

PROGRAM = Path(__file__).resolve().parents[2] / "lab" / "images" / "laptop" / "access_check.py"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """The program of the laptop, which has the same name as the module of the lab that runs it."""
    spec = importlib.util.spec_from_file_location("laptop_access_check", PROGRAM)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Run a server that answers every request with this status; return its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def run(*services_: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), "127.0.0.1", "0.5", *services_]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def first_answers(*services_: str) -> dict[str, Any]:
    done = run(*services_)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["service"]: (line["status"], line["open"]) for line in reversed(lines)}


def test_there_is_a_request_for_each_service_of_the_registry(program: ModuleType) -> None:
    assert set(program.REQUESTS) == set(services.web_interfaces())
    assert len(services.web_interfaces()) >= 3


def test_a_service_without_a_request_is_refused() -> None:
    done = run("sonarr:8989")
    assert done.returncode == 1
    assert "no request is known for sonarr" in done.stderr


def test_an_open_and_a_protected_service_differ(program: ModuleType) -> None:
    for service, request in program.REQUESTS.items():
        with answering(request.open[0]) as unprotected, answering(401) as protected:
            assert first_answers(f"{service}:{unprotected}") == {service: (request.open[0], True)}
            assert first_answers(f"{service}:{protected}") == {service: (401, False)}


def test_a_service_that_does_not_answer_is_reported() -> None:
    with answering(401) as port:
        pass
    assert first_answers(f"jellyfin:{port}") == {"jellyfin": (0, False)}
