# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver doctor``: a list of checks, each with what to do where it fails."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

from mediaserver._core.errors import MediaserverError, ServiceProblem, reason
from mediaserver._core.notify_urls import shown
from mediaserver.command.doctor_checks import CHECKS, FAILED, NOT_CHECKED, OK, Finding, notify_settings
from mediaserver.command.frame import Context, Exit, Outcome, list_schema, object_schema
from mediaserver.notify.message import HEADING, Message
from mediaserver.notify.sender import Sender

NAME = "doctor"
HELP = "a list of checks with remedies; a test notification (sudo)"
DESCRIPTION = (
    "Checks units, VPN, containers, disk, clock, import and notifications, and says for each what to do where it\n"
    "fails. Without sudo, some of them are not checked. It changes nothing. With --notify-test it sends a message to\n"
    "each address of mediaserver_notify instead."
)
EXIT_CODES: Mapping[int, str] = {Exit.OK: "no check failed", Exit.ATTENTION: "at least one check failed"}
CHECK = object_schema(
    {
        "check": {"type": "string"},
        "result": {"enum": [OK, FAILED, NOT_CHECKED]},
        "text": {"type": "string", "description": "what was found"},
        "remedy": {"type": "string", "description": "what to do; empty where nothing is to be done"},
    }
)
SCHEMA = object_schema({"failed": {"type": "integer", "minimum": 0}, "checks": list_schema(CHECK, minItems=1)})
TEST = Message(HEADING, "This is a test of the notifications. They work.")
SIGNS = {OK: "ok   ", FAILED: "FAIL ", NOT_CHECKED: "-    "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--only", choices=list(CHECKS), metavar="CHECK", help=f"make one check: {', '.join(CHECKS)}")
    one.add_argument("--notify-test", action="store_true", help="send a test message to each address")


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    found = dict(_tests(context, Sender()) if arguments.notify_test else _checks(context, arguments.only))
    failed = sum(one.result == FAILED for one in found.values())
    lines = []
    for name, one in found.items():
        lines.append(f"{SIGNS[one.result]} {name}: {one.text}")
        if one.remedy:
            lines.append(f"      -> {one.remedy}")
    data = {"failed": failed, "checks": [{"check": name, **vars(one)} for name, one in found.items()]}
    return Outcome(data, lines, Exit.ATTENTION if failed else Exit.OK)


def _checks(context: Context, only: str | None) -> Iterator[tuple[str, Finding]]:
    for name, check in CHECKS.items():
        if only in (None, name):
            try:
                yield name, check(context)
            except (MediaserverError, OSError) as error:
                yield name, Finding(FAILED, f"it could not be checked: {reason(error)}")


def _tests(context: Context, sender: Sender) -> Iterator[tuple[str, Finding]]:
    """Yield the result of each address. Raises AccessDenied, FileProblem, ServiceProblem."""
    context.require_root(f"{NAME} --notify-test")
    settings = notify_settings(context)
    if not settings.urls:
        raise ServiceProblem(
            "notifications are off, so none was sent. Set mediaserver_notify in the inventory, and run the playbook"
        )
    for number, url in enumerate(settings.urls, start=1):
        why = sender.send(url, TEST)
        finding = (
            Finding(FAILED, "the test message was not sent", why) if why else Finding(OK, "a test message was sent")
        )
        yield shown(number, url), finding
