# SPDX-License-Identifier: GPL-3.0-or-later
"""A visitor on the LAN who tried all the while of the first run has met no service that was nobody's yet."""

from __future__ import annotations

import pytest
import topology
import visitors

SERVICES = ("transmission", "jackett", "jellyfin")


@pytest.fixture(scope="module")
def visits(lab_house: topology.House) -> list[visitors.Visit]:
    visitors.end(lab_house)
    return visitors.visits(lab_house)


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_could_take_it_over(visits: list[visitors.Visit], service: str) -> None:
    visits = [visit for visit in visits if visit.service == service]
    if not visits:
        pytest.skip("nobody visited during the first run: that is the scenario site's")
    assert [visit for visit in visits if visit.open] == []
    # It was tried before there was anything, and until it answered its owner only.
    assert visits[0].status == 0
    assert visits[-1].status in (200, 401)
