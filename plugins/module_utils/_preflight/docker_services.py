# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of autoheal's and watchtower's variables. No finding quotes an address: each may hold a secret."""

from __future__ import annotations

import re
import typing as t

from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
)

# The address stands between double quotes in a file of curl.
WEBHOOK = re.compile(r"https?://[^\s/\"\\]+[^\s\"\\]*", re.IGNORECASE)
SHOUTRRR = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
FIELD = re.compile(r"[0-9A-Za-z*/,?-]+")
FIELDS = 6  # with seconds
SHORTHAND = re.compile(r"@[a-z]+( \S+)?")


def check_docker_services(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    del facts
    webhook = settings.get("upkeep_autoheal_webhook_url") or ""
    if webhook and not WEBHOOK.fullmatch(str(webhook)):
        yield problem(
            "upkeep_autoheal_webhook_url",
            "it is not an address of the form https://host/path without blanks, quotes and backslashes",
            "write the address as the receiver shows it",
        )
    address = settings.get("upkeep_watchtower_notification_url") or ""
    if address and not SHOUTRRR.fullmatch(str(address)):
        yield problem(
            "upkeep_watchtower_notification_url",
            "it does not have the form scheme://…, without blanks",
            "write it as the documentation of shoutrrr has it for that service",
        )
    schedule = settings.get("upkeep_watchtower_schedule")
    if schedule is not None and not _is_schedule(str(schedule)):
        yield problem(
            "upkeep_watchtower_schedule",
            f"{schedule!r} is not a schedule of {FIELDS} fields",
            "write second, minute, hour, day of the month, month and day of the week, such as 0 0 4 * * *",
        )
    for variable, least in (("upkeep_autoheal_interval", 1), ("upkeep_autoheal_start_period", 0)):
        value = settings.get(variable)
        if isinstance(value, int) and value < least:
            yield problem(variable, f"{value} is too small", f"write seconds, {least} or more")


def _is_schedule(text: str) -> bool:
    fields = text.split()
    return bool(SHORTHAND.fullmatch(text)) or (len(fields) == FIELDS and all(map(FIELD.fullmatch, fields)))
