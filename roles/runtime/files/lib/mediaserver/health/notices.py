# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from mediaserver.health.model import SIGNS, WORST_FIRST
from mediaserver.health.report import text_of
from mediaserver.health.table import Check
from mediaserver.health.transitions import Kind, News
from mediaserver.notify.message import HEADING, Message

FLAPPING = "It changes often, so the next message waits until it has been stable for an hour."
BEGINNINGS = {
    Kind.PROBLEM: "",
    Kind.OTHER_PROBLEM: "",
    Kind.REMINDER: "still ",
}


def compose(news: Sequence[News], checks: Mapping[str, Check], *, titles: bool) -> Message:
    """Return one message on all that is new in this run, worst first."""
    ordered = sorted(news, key=lambda one: WORST_FIRST.index(one.finding.state))
    lines: list[str] = []
    for one in ordered:
        lines += _lines(one, checks[one.finding.check], titles=titles)
    return Message(f"{HEADING}: {_summary(ordered)}", "\n".join(lines))


def _summary(news: Sequence[News]) -> str:
    problems = sum(one.finding.state.is_problem for one in news)
    if not problems:
        return "good again"
    return "1 problem" if problems == 1 else f"{problems} problems"


def _lines(one: News, check: Check, *, titles: bool) -> list[str]:
    if one.kind is Kind.SOLVED:
        made = [f"good again: {check.title}: {one.finding.text}"]
    else:
        when = f"{datetime.fromtimestamp(one.since):%Y-%m-%d %H:%M}"
        sign = f"{BEGINNINGS[one.kind]}{SIGNS[one.finding.state]}"
        made = [f"{sign}: {check.title}: {text_of(one.finding, titles=titles)} (since {when})"]
        made += [f"  What to do: {one.finding.remedy}"] * bool(one.finding.remedy)
    return [*made, *[f"  {FLAPPING}"] * one.flapping]
