# SPDX-License-Identifier: GPL-3.0-or-later
"""A compose.override.yml that compose cannot read is reported, and everything else keeps working."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import playbook
import pytest
from contract import Household

pytestmark = pytest.mark.faults

PATIENCE_S = 60
GOOD = "services:\n  jellyfin:\n    environment:\n      HOUSEHOLD: first\n"
BROKEN = "services:\n  jellyfin:\n    environment: [\n"


def container(host: Any, service: str) -> str:
    label = f"label=com.docker.compose.service={service}"
    project = "label=com.docker.compose.project=mediaserver"
    return str(host.check_output(f"docker ps --all --quiet --no-trunc --filter {label} --filter {project}"))


def is_running(host: Any, service: str) -> bool:
    found = container(host, service)
    return bool(found and host.check_output(f"docker inspect --format '{{{{.State.Running}}}}' {found}") == "true")


def wait_until_running(host: Any, service: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_running(host, service):
        assert time.monotonic() < deadline, f"{service} does not run after {PATIENCE_S} s"
        time.sleep(1)


@pytest.fixture(scope="module")
def override(host: Any, household: Household, inventory: str) -> Iterator[str]:
    path = f"{household['mediaserver_root']}/compose.override.yml"
    assert not host.file(path).exists
    write(host, path, GOOD)
    assert playbook.run(inventory, "--tags", "stack").ok
    yield path
    host.check_output(f"rm -f {path}")
    assert playbook.run(inventory, "--tags", "stack").ok


def write(host: Any, path: str, text: str) -> None:
    quoted = text.replace("\n", "\\n")
    host.check_output(f"printf '{quoted}' > {path}")


def test_valid_override_is_used(host: Any, override: str) -> None:
    environment = host.check_output(f"docker inspect --format '{{{{.Config.Env}}}}' {container(host, 'jellyfin')}")
    assert "HOUSEHOLD=first" in environment


def test_broken_override_is_reported_and_run_repairs_the_rest(host: Any, inventory: str, override: str) -> None:
    jellyfin = container(host, "jellyfin")
    host.check_output("systemctl stop vpn-monitor")
    write(host, override, BROKEN)
    host.check_output(f"docker stop {container(host, 'transmission')}")

    predicted = playbook.run(inventory, "--check")
    assert override in predicted.failures
    result = playbook.run(inventory)

    assert not result.ok
    assert override in result.failures
    assert "Correct that file" in result.failures
    assert is_running(host, "transmission")
    assert container(host, "jellyfin") == jellyfin, "it was recreated without the override"
    # Later roles have run too.
    assert any("jellyfin : " in task.name and "libraries" in task.name for task in result.tasks)
    assert not host.file("/run/mediaserver/hold").exists


def test_monitor_reports_broken_override_and_keeps_repairing(host: Any, override: str) -> None:
    write(host, override, BROKEN)
    since = host.check_output("date '+%Y-%m-%d %H:%M:%S'")
    host.check_output("systemctl restart vpn-monitor")
    host.check_output(f"docker stop {container(host, 'jackett')}")
    wait_until_running(host, "jackett")
    # A removed container can be created by compose only.
    host.check_output(f"docker rm --force {container(host, 'jackett')}")
    wait_until_running(host, "jackett")
    log = host.check_output(f"journalctl --no-pager --output cat --unit vpn-monitor --since '{since}'")
    assert f"{override} is not used, because compose cannot read it: " in log


def test_stack_stops_and_starts_with_broken_override(host: Any, override: str) -> None:
    write(host, override, BROKEN)
    host.check_output("systemctl stop vpn-monitor")
    host.check_output("systemctl stop mediaserver")
    assert not is_running(host, "transmission")
    host.check_output("systemctl start mediaserver")
    assert is_running(host, "transmission")
    host.check_output("systemctl start vpn-monitor")


def test_corrected_override_is_used(host: Any, inventory: str, override: str) -> None:
    write(host, override, GOOD.replace("first", "second"))
    result = playbook.run(inventory)
    assert result.ok, result.failures
    environment = host.check_output(f"docker inspect --format '{{{{.Config.Env}}}}' {container(host, 'jellyfin')}")
    assert "HOUSEHOLD=second" in environment
