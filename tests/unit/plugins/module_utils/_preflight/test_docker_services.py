# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight judges what autoheal and watchtower get, and quotes no address."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import found

SECRET = "s3cr3t"
WEBHOOK, ADDRESS = "upkeep_autoheal_webhook_url", "upkeep_watchtower_notification_url"
SCHEDULE = "upkeep_watchtower_schedule"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {WEBHOOK: "", ADDRESS: "", SCHEDULE: "0 0 4 * * *"},
        {
            WEBHOOK: f"https://hooks.example.org/{SECRET}?a=b",
            ADDRESS: f"smtp://u:{SECRET}@mail.example.org:587/?to=a@b",
        },
        {SCHEDULE: "@daily"},
        {SCHEDULE: "0 30 3 1,15 */2 MON-FRI"},
        {"upkeep_autoheal_start_period": 0, "upkeep_autoheal_interval": 1},
    ],
)
def test_good_values_are_no_problem(settings: dict[str, Any]) -> None:
    assert found(settings=settings) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (WEBHOOK, f"ftp://{SECRET}"),
        (WEBHOOK, f"https://host/{SECRET} x"),
        (WEBHOOK, f'https://host/"{SECRET}'),
        (WEBHOOK, f"https://host/{SECRET}\\"),
        (WEBHOOK, f"https://host/{SECRET}\nurl = x"),
        (ADDRESS, SECRET),
        (ADDRESS, f"smtp://{SECRET} x"),
        (SCHEDULE, "0 4 * * *"),
        (SCHEDULE, "daily"),
        (SCHEDULE, ""),
        ("upkeep_autoheal_interval", 0),
        ("upkeep_autoheal_start_period", -1),
    ],
)
def test_a_wrong_value_is_refused_without_its_secret(variable: str, value: Any) -> None:
    (one,) = found(settings={variable: value})
    assert (one["level"], one["variable"]) == ("problem", variable)
    assert SECRET not in "".join(one.values())
