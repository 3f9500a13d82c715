# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks of the services: which answers count as healthy."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

ENTRYPOINTS = Path(__file__).resolve().parents[3] / "roles" / "stack" / "files" / "entrypoints"

# Service, output of curl with --write-out and its status, whether eth0 exists, healthy.
CASES = [
    ("jackett", '{"status":"OK"}', 0, True, True),
    ("jackett", '{"status":"OK"}', 0, False, False),
    ("jackett", "", 7, True, False),
    ("jackett", "<html>OK</html>", 0, True, False),
    ("jackett", '{"status":"Broken"}', 0, True, False),
    ("jellyfin", "Healthy\n200", 0, True, True),
    ("jellyfin", "Degraded\n200", 0, True, True),
    ("jellyfin", "Der Jellyfin-Server wird geladen. 200\n503", 0, True, True),
    ("jellyfin", "\n503", 0, True, True),
    ("jellyfin", "Unhealthy\n503", 0, True, False),
    ("jellyfin", "Healthy\n404", 0, True, False),
    ("jellyfin", "<html>503</html>\n200", 0, True, False),
    ("jellyfin", "\n000", 7, True, False),
    ("jellyfin", "\n000", 28, True, False),
]


@pytest.mark.parametrize(("service", "said", "status", "link", "healthy"), CASES)
def test_only_an_answer_of_a_working_service_is_healthy(
    tmp_path: Path, service: str, said: str, status: int, link: bool, healthy: bool
) -> None:
    curl = tmp_path / "curl"
    curl.write_text(f"#!/bin/sh\ncat {tmp_path}/said\nexit {status}\n")
    curl.chmod(0o755)
    (tmp_path / "said").write_text(said)
    if link:
        (tmp_path / "eth0").touch()
    script = (ENTRYPOINTS / f"{service}-health.sh").read_text(encoding="utf-8")
    script = script.replace("/sys/class/net/", f"{tmp_path}/")
    done = subprocess.run(["sh", "-c", script], env={"PATH": f"{tmp_path}:{os.defpath}"}, check=False, timeout=60)
    assert (done.returncode == 0) is healthy


# Answers of a running Transmission to a request without a password, also while it locks out all clients.
@pytest.mark.parametrize("status", [200, 301, 401, 403, 409, 421, 501])
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_a_transmission_that_answers_is_healthy(tmp_path: Path, status: int) -> None:
    asked = set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.add(self.command)
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_HEAD = do_OPTIONS = answer

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        assert not is_healthy(tmp_path, server.server_port), "a namespace without eth0 is dead"
        (tmp_path / "eth0").touch()
        assert is_healthy(tmp_path, server.server_port)
        server.shutdown()
    assert not is_healthy(tmp_path, server.server_port), "no server answers"
    assert asked == {"OPTIONS"}, "Transmission would count it as a wrong password"


def is_healthy(folder: Path, port: int) -> bool:
    script = (ENTRYPOINTS / "transmission-health.sh").read_text(encoding="utf-8")
    assert "127.0.0.1:9091/" in script
    script = script.replace("/sys/class/net/", f"{folder}/").replace("127.0.0.1:9091/", f"127.0.0.1:{port}/")
    return subprocess.run(["sh", "-c", script], check=False, timeout=60).returncode == 0
