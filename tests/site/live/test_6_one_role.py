# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that runs alone and stops a service for a moment: vpn-monitor waits, and goes on afterwards."""

from __future__ import annotations

import json
from typing import Any

import playbook
import pytest
from contract import name_of

# Settings that their services read at their start only.
NEEDS_A_STOP = {
    "transmission": {"transmission_settings": {"message-level": 5}},
    "jackett": {"jackett_settings": {"CacheTtl": 2000}},
}


@pytest.mark.parametrize("service", NEEDS_A_STOP)
def test_nobody_starts_what_a_role_has_stopped(host: Any, inventory: str, service: str) -> None:
    since = host.check_output("date '+%Y-%m-%d %H:%M:%S'")
    for wanted in (NEEDS_A_STOP[service], {}):
        result = playbook.run(inventory, "--tags", service, "--extra-vars", json.dumps(wanted))
        assert result.ok, result.failures
        assert result.stats["changed"], "it was not stopped at all"
        assert not host.file("/run/mediaserver/hold").exists, "vpn-monitor waits on"
    told = host.check_output(f"journalctl --no-pager --output cat --unit vpn-monitor --since '{since}'")
    assert told.count("hold by ansible") == 2, told
    assert f"start {service}" not in told
    assert host.check_output(f"docker inspect --format '{{{{.State.Running}}}}' {name_of(service)}") == "true"
