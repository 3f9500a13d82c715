# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn-monitor restarts a service that no longer answers, and not a Jellyfin that plays something."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import journal
import pytest
from contract import name_of

pytestmark = pytest.mark.faults
# Docker's own checks, then vpn-monitor's wait, then the time to stop.
PATIENCE_S = 180.0


def wait_for(what: str, condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not after {seconds} s: {what}"
        time.sleep(1.0)


def started(host: Any, service: str) -> str:
    return str(host.check_output(f"docker inspect --format '{{{{.State.StartedAt}}}}' {name_of(service)}"))


def problems(host: Any) -> list[str]:
    state = json.loads(host.check_output("cat /run/mediaserver/vpn.json"))
    return [one["text"] for one in state["problems"] if one["code"] == "container-unhealthy"]


@pytest.mark.parametrize("service", ["jackett", "jellyfin"])
def test_a_service_that_hangs_is_restarted(host: Any, service: str) -> None:
    before, holder, begin = started(host, service), started(host, "vpn"), journal.now(host)
    host.check_output(f"docker kill --signal STOP {name_of(service)}")
    wait_for("a problem that is named", lambda: any(service in text for text in problems(host)))
    wait_for(f"{service} is restarted", lambda: started(host, service) != before)
    wait_for("it is healthy", lambda: problems(host) == [])
    assert f"{service} is not healthy: restart {service}" in journal.since(host, begin)
    assert started(host, "vpn") == holder
