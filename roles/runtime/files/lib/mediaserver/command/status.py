# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver status``: what a household asks. It reads files that every account may read, and needs no sudo."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from mediaserver.command import backup_state, disk_space, download_state, health_state, update_state, vpn_state
from mediaserver.command.frame import Context, Exit, Outcome, list_schema, object_schema

NAME = "status"
HELP = "whether all is well: VPN, services, downloads that have not arrived, disk, backup, updates"
DESCRIPTION = (
    "Shows what the last health check has found, worst first, with what to do. Then it answers: is anything bypassing\n"
    "the VPN, since when is the tunnel up, do the services run, which downloads have not arrived in the library and\n"
    "why, how much space is left, how old the backup is and what it survives, and for which services newer\n"
    "images wait. It needs no sudo. What it says of the VPN is what vpn-monitor has observed;\n"
    "`sudo mediaserver verify` tests it with packets."
)
EXIT_CODES: Mapping[int, str] = {
    Exit.OK: "all is well",
    Exit.ATTENTION: "something needs attention; `attention` lists it",
}
PARTS = (health_state, vpn_state, download_state, disk_space, backup_state, update_state)
SCHEMA = object_schema(
    {
        "attention": list_schema({"type": "string"}, description="sentences; empty where all is well"),
        **{name: schema for part in PARTS for name, schema in part.PROPERTIES.items()},
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    del arguments
    data: dict[str, Any] = {"attention": []}
    lines: list[str] = []
    for part in PARTS:
        found: Mapping[str, Any] = part.observe(context)
        data |= found
        lines += part.lines(found, context.now())
        data["attention"] += part.attention(found)
    return Outcome(data, lines, Exit.ATTENTION if data["attention"] else Exit.OK)
