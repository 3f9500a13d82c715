# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import household_lab
import pytest
import topology
from contract import Household


@pytest.fixture(scope="module")
def lab_household(household: Household) -> topology.LabHousehold:
    found = household_lab.find_household(household)
    if found is None:
        pytest.skip("this Pi is not the lab's")
    return found
