# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that run the whole playbook against a Pi of the lab, break things on it, and boot it again."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "tests/testinfra", "tests/site")]

import household_lab  # noqa: E402  (the path above must be set first)
import pytest  # noqa: E402
import topology  # noqa: E402
from contract import Household  # noqa: E402
from fixtures import containers, host, house, inventory  # noqa: E402

__all__ = ["containers", "host", "house", "inventory", "lab_house"]


@pytest.fixture(scope="module")
def lab_house(house: Household) -> topology.House:
    """The lab's house around this Pi; these tests are for no other one."""
    found = household_lab.find_house(house)
    assert found, "this Pi is not the lab's"
    return found
