# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver verify``: the leak check, which the program vpn-verify makes, too."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from mediaserver.command.frame import Context, Exit, Outcome, list_schema, object_schema
from mediaserver.verify.checks import Verification
from mediaserver.verify.verify import exit_code, results, summary

NAME = "verify"
HELP = "test that no packet leaves past the VPN tunnel (sudo)"
DESCRIPTION = (
    "Tests the tunnel and both barriers on the running host, with packets that must be dropped. It changes nothing\n"
    "but the barriers' counters, and takes about half a minute. Without arguments it uses the household's variables\n"
    "gateway_address_page and gateway_verify_target. The program vpn-verify does the same."
)
EXIT_CODES: Mapping[int, str] = {
    Exit.OK: "all checks passed",
    Exit.FAILED: "one check failed; or none could be made, and the reason is on standard error",
    Exit.USAGE: "two checks failed; or an argument is wrong",
    Exit.ATTENTION: "three checks failed, and so on up to 100",
}
CHECK = object_schema({"check": {"type": "string"}, "passed": {"type": "boolean"}, "text": {"type": "string"}})
SCHEMA = object_schema({"failed": {"type": "integer", "minimum": 0}, "checks": list_schema(CHECK, minItems=1)})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--address-page", metavar="URL", help="page that answers with the caller's address")
    parser.add_argument("--target", metavar="IPV4", help="where the packets go that must not get out")


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    context.require_root(NAME)
    page = arguments.address_page or context.settings.address_page
    target = arguments.target or context.settings.verify_target
    made = []
    for result in results(Verification(context.root, page, target)):
        made.append(result)
        if not arguments.json:
            context.show(result.line)
    failed = sum(not one.passed for one in made)
    data = {"failed": failed, "checks": [vars(one) for one in made]}
    return Outcome(data, [summary(failed)], exit_code(failed))
