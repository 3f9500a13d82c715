# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of the addresses that notifications go to. No finding quotes one: each is a secret as a whole."""

from __future__ import annotations

import typing as t

from .._core.notify_urls import fault, shown
from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
)

REMEDY = "write it as apprise's documentation has it for that service, such as ntfys://ntfy.example.org/TOPIC"


def check_notify(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    del facts
    urls = settings.get("mediaserver_notify")
    if not isinstance(urls, (list, tuple)):
        return  # the argument specs refuse another type
    for number, url in enumerate(urls, start=1):
        if wrong := fault(url):
            yield problem("mediaserver_notify", f"{shown(number, url)} cannot be used: {wrong}", REMEDY)
