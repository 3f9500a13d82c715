# SPDX-License-Identifier: GPL-3.0-or-later
"""A visitor on the LAN who tried all the while of the first runs has met no service that was nobody's yet."""

from __future__ import annotations

import pytest
import topology
import visitors


@pytest.fixture(scope="module")
def visits(lab_house: topology.House) -> list[visitors.Visit]:
    visitors.end(lab_house)
    return visitors.visits(lab_house)


@pytest.mark.parametrize("service", ["transmission", "jackett", "jellyfin"])
def test_nobody_could_take_it_over(visits: list[visitors.Visit], service: str) -> None:
    met = [visit for visit in visits if visit.service == service]
    assert met, "nobody visited"
    assert [visit for visit in met if visit.open] == []
    # It was tried before there was anything, and until it answered its owner only.
    assert met[0].status == 0
    assert [visit.status for visit in met if visit.status][-1] in (200, 401)
