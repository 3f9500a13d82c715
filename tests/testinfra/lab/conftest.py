# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import household_lab
import pytest
import topology
from contract import Household


@pytest.fixture(scope="module")
def lab_house(house: Household) -> topology.House:
    found = household_lab.find_house(house)
    if found is None:
        pytest.skip("this Pi is not the lab's")
    return found
