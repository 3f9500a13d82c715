# SPDX-License-Identifier: GPL-3.0-or-later
"""What the health checks take for alive."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ENTRYPOINTS = Path(__file__).resolve().parents[3] / "roles" / "stack" / "files" / "entrypoints"

# The service, what curl says with --write-out and how it ends, whether eth0 is there, healthy.
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
def test_health(tmp_path: Path, service: str, said: str, status: int, link: bool, healthy: bool) -> None:
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
