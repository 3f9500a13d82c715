# SPDX-License-Identifier: GPL-3.0-or-later
"""``--check`` on a Pi with Docker and without the compose project, as after a run that was aborted early."""

from __future__ import annotations

from typing import Any

import playbook
from contract import Household


def test_check_passes_with_docker_and_without_project(host: Any, household: Household, inventory: str) -> None:
    begun = playbook.run(inventory, "--tags", "host,docker")
    assert begun.ok, begun.failures
    assert host.run("docker compose version").rc == 0
    assert not host.file(household["mediaserver_root"]).exists

    result = playbook.run(inventory, "--check", "--diff")

    assert result.ok, result.failures
    assert f"{household['mediaserver_root']}/compose.yml" in str([task.result for task in result.changed])
    assert not host.file(household["mediaserver_root"]).exists


def test_check_passes_without_compose_plugin(host: Any, inventory: str) -> None:
    host.check_output("dpkg --remove --force-depends docker-compose")
    assert host.run("docker compose version").rc != 0
    result = playbook.run(inventory, "--check")
    assert result.ok, result.failures
    repaired = playbook.run(inventory, "--tags", "docker")
    assert repaired.ok, repaired.failures
