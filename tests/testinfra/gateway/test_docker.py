# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker daemon."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract import Containers

pytestmark = pytest.mark.evidence(units=["docker.service"])


def test_docker_runs_and_starts_at_boot(host: Any) -> None:
    service = host.service("docker.service")
    assert service.is_running
    assert service.is_enabled


def test_daemon_limits_logs_and_has_no_live_restore(host: Any) -> None:
    settings = json.loads(host.file("/etc/docker/daemon.json").content_string)
    assert set(settings["log-opts"]) >= {"max-size", "max-file"}
    assert settings.get("live-restore", False) is False


def test_containers_have_log_limits(containers: Containers) -> None:
    assert containers.by_service, "no container to check"
    for name, container in containers.by_service.items():
        configuration = container["HostConfig"]["LogConfig"]
        assert set(configuration["Config"]) >= {"max-size", "max-file"}, (name, configuration)
