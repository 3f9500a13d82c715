# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual changes at once: ``--check`` reports each, a run repairs exactly those, the next run changes nothing.

The tests of this file depend on each other and run in this order.
"""

from __future__ import annotations

from typing import Any

import playbook
import pytest
from contract import Household
from drift import TABLE, WITH_CONSEQUENCES, apply, findings, values


@pytest.fixture(scope="module")
def predicted(host: Any, household: Household, inventory: str) -> playbook.Run:
    assert len({drift.finding for drift in TABLE}) == 23
    for drift in TABLE:
        apply(host, household, drift)
    result = playbook.run(inventory, "--check", "--diff")
    assert result.ok, result.failures
    return result


@pytest.fixture(scope="module")
def repaired(predicted: playbook.Run, inventory: str) -> playbook.Run:
    result = playbook.run(inventory, "--diff")
    assert result.ok, result.failures
    return result


@pytest.mark.parametrize("drift", TABLE, ids=lambda drift: drift.name)
def test_check_reports_change(household: Household, predicted: playbook.Run, drift: Any) -> None:
    assert _expected(household, drift) in _heads(predicted, household)


@pytest.mark.parametrize("drift", TABLE, ids=lambda drift: drift.name)
def test_run_repairs_change(household: Household, repaired: playbook.Run, drift: Any) -> None:
    assert _expected(household, drift) in _heads(repaired, household)


def test_run_repairs_exactly_what_check_reported(
    household: Household, predicted: playbook.Run, repaired: playbook.Run
) -> None:
    assert findings(repaired) == findings(predicted)
    assert _heads(repaired, household) == {_expected(household, drift) for drift in TABLE} | CONSEQUENCES


def test_next_run_changes_nothing(repaired: playbook.Run, inventory: str) -> None:
    result = playbook.run(inventory)
    assert result.ok, result.failures
    assert findings(result) == set()
    assert result.stats["changed"] == 0


def test_changes_with_consequences_are_reported_and_repaired(
    host: Any, household: Household, repaired: playbook.Run, inventory: str
) -> None:
    for drift in WITH_CONSEQUENCES:
        apply(host, household, drift)
    expected = {_expected(household, drift) for drift in WITH_CONSEQUENCES}
    for arguments in (["--check"], []):
        result = playbook.run(inventory, *arguments)
        assert result.ok, result.failures
        assert expected <= findings(result)
    again = playbook.run(inventory)
    assert again.ok, again.failures
    assert findings(again) == set()


# Consequences of the repairs: restarts of programs that read their files at their start. vpn-monitor is stopped here.
CONSEQUENCES = {"Restart journald", "mediaserver-barrier-keeper.service is restarted"}


def _expected(household: Household, drift: Any) -> str:
    finding: str = drift.finding
    for name, value in values(household).items():
        finding = finding.replace("{" + name + "}", value)
    return finding


def _heads(run: playbook.Run, household: Household) -> set[str]:
    """Return the findings, with task names shortened to those of the table."""
    expected = {_expected(household, drift) for drift in TABLE}
    return {next((head for head in expected if found.startswith(head)), found) for found in findings(run)}
