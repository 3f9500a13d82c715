# SPDX-License-Identifier: GPL-3.0-or-later
"""The host contract: what must be true on every household's Pi, simulated or real.

    pytest tests/testinfra --ansible-inventory=inventory/<household>

A failing test shows the journal of the units and the logs of the containers that it names with
``pytest.mark.evidence``. What only the lab can tell is in ``lab/``, and is skipped without a lab.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from contract import Containers, Household, load_values

EVIDENCE_LINES = 40


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "evidence(units, containers): whose logs to show when the test fails")
    config.option.hosts = config.option.hosts or "ansible://mediaserver"
    config.option.sudo = True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    host = getattr(item, "funcargs", {}).get("host")
    if not report.failed or host is None:
        return
    commands = []
    for mark in item.iter_markers("evidence"):
        commands += [
            f"journalctl --no-pager --lines {EVIDENCE_LINES} --unit {u}" for u in mark.kwargs.get("units", ())
        ]
        commands += [
            f"docker logs --tail {EVIDENCE_LINES} {c} 2>&1" for c in mark.kwargs.get("containers", ())
        ]
    for command in commands:
        report.sections.append((command, host.run(command).stdout))


@pytest.fixture(scope="module")
def house(host: Any) -> Household:
    return load_values(host.ansible.get_variables())


@pytest.fixture(scope="module")
def containers(host: Any) -> Containers:
    return Containers.read(host)
