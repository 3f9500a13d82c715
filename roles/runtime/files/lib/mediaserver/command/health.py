# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver health``: the health check, which cron runs every five minutes."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Mapping

from mediaserver._core.errors import ServiceProblem
from mediaserver.command import health_state
from mediaserver.command.frame import Context, Exit, Outcome
from mediaserver.health import report
from mediaserver.health.model import State
from mediaserver.health.run import HealthCheck

NAME = "health"
HELP = "check everything now, as every five minutes; writes status.json (sudo)"
DESCRIPTION = (
    "Checks VPN, services, playback, disks, import, backup and the host, and says for each what to do where it is not\n"
    "well. cron runs it every five minutes. It writes status.json, which `mediaserver status` reads, the metrics for\n"
    "Prometheus and the message at login; it sends one message for each change of state, stops downloads on a nearly\n"
    "full disk, and resumes them. It restarts nothing."
)
EXIT_CODES: Mapping[int, str] = {
    Exit.OK: "nothing is bad, and there is no warning",
    Exit.ATTENTION: "something is bad, or there is a warning",
}
SCHEMA = report.SCHEMA


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="print nothing, as for cron; changes are in the journal")


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    context.require_root(NAME)
    try:
        # Its lines for the journal are no part of the result.
        with contextlib.redirect_stdout(sys.stderr):
            found = HealthCheck(context.root).run()
    except TimeoutError as error:
        raise ServiceProblem("another health check runs; its result is there within five minutes") from error
    lines = health_state.problem_lines(found["checks"]) or ["all is well"]
    return Outcome(
        found, [] if arguments.quiet else lines, Exit.ATTENTION if State(found["state"]).is_problem else Exit.OK
    )
