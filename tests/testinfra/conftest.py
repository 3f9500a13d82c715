# SPDX-License-Identifier: GPL-3.0-or-later
"""The host contract: tests that must pass on every household's Pi, simulated or real.

    pytest tests/testinfra --ansible-inventory=inventory/<household>

A failed test prints the journal of the units and the logs of the containers in its ``pytest.mark.evidence``. Tests in
``lab/`` need the lab and are skipped without it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from contract import name_of
from fixtures import containers, host, household, inventory

__all__ = ["containers", "host", "household", "inventory"]
EVIDENCE_LINES = 40


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "evidence(units, containers): units and services whose logs are printed when the test fails"
    )
    config.addinivalue_line("markers", "service(name): a test of a service that a household may leave out")


@pytest.fixture(autouse=True)
def _only_services_of_the_household(request: pytest.FixtureRequest) -> None:
    for mark in request.node.iter_markers("service"):
        if mark.args[0] not in request.getfixturevalue("household").services:
            pytest.skip(f"{mark.args[0]} is not in stack_services")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    pi = getattr(item, "funcargs", {}).get("host")
    if not report.failed or pi is None:
        return
    commands = []
    for mark in item.iter_markers("evidence"):
        for unit in mark.kwargs.get("units", ()):
            commands.append(f"journalctl --no-pager --lines {EVIDENCE_LINES} --unit {unit}")
        for name in mark.kwargs.get("containers", ()):
            commands.append(f"docker logs --tail {EVIDENCE_LINES} {name_of(name)} 2>&1")
    for command in commands:
        try:
            output = pi.run(command).stdout
        except RuntimeError as error:  # testinfra's, when ssh cannot connect
            output = f"not available: {error}"
        report.sections.append((command, output))
