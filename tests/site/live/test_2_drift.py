# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty things broken at once: ``--check`` names each, a run repairs exactly those, the next finds nothing.

The tests of this file are steps of one story, in this order.
"""

from __future__ import annotations

from typing import Any

import playbook
import pytest
from contract import Household
from drift import PULLING_OTHERS_ALONG, TABLE, break_by_hand, findings, words


@pytest.fixture(scope="module")
def predicted(host: Any, house: Household, inventory: str) -> playbook.Run:
    assert len({drift.finding for drift in TABLE}) == 20
    for drift in TABLE:
        break_by_hand(host, house, drift)
    result = playbook.run(inventory, "--check", "--diff")
    assert result.ok, result.failures
    return result


@pytest.fixture(scope="module")
def repaired(predicted: playbook.Run, inventory: str) -> playbook.Run:
    result = playbook.run(inventory, "--diff")
    assert result.ok, result.failures
    return result


@pytest.mark.parametrize("drift", TABLE, ids=lambda drift: drift.name)
def test_check_names_it(house: Household, predicted: playbook.Run, drift: Any) -> None:
    assert _expected(house, drift) in _heads(predicted, house)


@pytest.mark.parametrize("drift", TABLE, ids=lambda drift: drift.name)
def test_the_run_repairs_it(house: Household, repaired: playbook.Run, drift: Any) -> None:
    assert _expected(house, drift) in _heads(repaired, house)


def test_the_run_repairs_what_check_said_and_nothing_else(
    house: Household, predicted: playbook.Run, repaired: playbook.Run
) -> None:
    assert findings(repaired) == findings(predicted)
    assert _heads(repaired, house) == {_expected(house, drift) for drift in TABLE} | CONSEQUENCES


def test_the_next_run_finds_nothing(repaired: playbook.Run, inventory: str) -> None:
    result = playbook.run(inventory)
    assert result.ok, result.failures
    assert findings(result) == set()
    assert result.stats["changed"] == 0


def test_what_pulls_other_things_along_is_named_and_repaired_too(
    host: Any, house: Household, repaired: playbook.Run, inventory: str
) -> None:
    for drift in PULLING_OTHERS_ALONG:
        break_by_hand(host, house, drift)
    expected = {_expected(house, drift) for drift in PULLING_OTHERS_ALONG}
    for arguments in (["--check"], []):
        result = playbook.run(inventory, *arguments)
        assert result.ok, result.failures
        assert expected <= findings(result)
    again = playbook.run(inventory)
    assert again.ok, again.failures
    assert findings(again) == set()


# What follows from a repair: programs that read their files at their start are restarted. vpn-monitor is stopped here.
CONSEQUENCES = {"Restart journald", "mediaserver-barrier-keeper.service is restarted"}


def _expected(house: Household, drift: Any) -> str:
    finding: str = drift.finding
    for word, value in words(house).items():
        finding = finding.replace("{" + word + "}", value)
    return finding


def _heads(run: playbook.Run, house: Household) -> set[str]:
    """Findings, with the names of tasks cut to what the table says of them."""
    expected = {_expected(house, drift) for drift in TABLE}
    return {next((head for head in expected if found.startswith(head)), found) for found in findings(run)}
