# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that run the whole playbook on a Pi of the lab, also after faults and reboots."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "tests/testinfra", "tests/site")]

import household_lab  # noqa: E402  (the path above must be set first)
import pytest  # noqa: E402
import topology  # noqa: E402
from contract import Household  # noqa: E402
from fixtures import containers, host, household, inventory  # noqa: E402

__all__ = ["containers", "host", "household", "inventory", "lab_household"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", action="store_true", help="run the long fault matrix and nothing else")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "faults: part of the long fault matrix, only with --faults")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if (item.get_closest_marker("faults") is None) == config.option.faults]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="module")
def lab_household(household: Household) -> topology.LabHousehold:
    """The lab's household of this Pi; these tests run in the lab only."""
    found = household_lab.find_household(household)
    assert found, "this Pi is not the lab's; give the lab's inventory: --ansible-inventory=inventory/demo"
    return found
