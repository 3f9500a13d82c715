# SPDX-License-Identifier: GPL-3.0-or-later
"""During the first runs, no service was open without a password to a client on the LAN."""

from __future__ import annotations

import access_check
import pytest
import services
import topology


@pytest.fixture(scope="module")
def answers(lab_household: topology.LabHousehold) -> list[access_check.Answer]:
    access_check.stop(lab_household)
    return access_check.answers(lab_household)


@pytest.mark.parametrize("service", services.web_interfaces())
def test_service_was_never_open(answers: list[access_check.Answer], service: str) -> None:
    own = [answer for answer in answers if answer.service == service]
    assert own, "the access check has not run"
    assert [answer for answer in own if answer.open] == []
    # It was checked from before its first start until it required a password.
    assert own[0].status == 0
    assert [answer.status for answer in own if answer.status][-1] in (200, 401)
