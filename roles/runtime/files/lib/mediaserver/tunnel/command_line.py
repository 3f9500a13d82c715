# SPDX-License-Identifier: GPL-3.0-or-later
"""The command vpn-gateway: barrier, plan, apply, hold and report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mediaserver import journal
from mediaserver._core import clock, files
from mediaserver._core.errors import GatewayError, MediaserverError, reason
from mediaserver._core.names import GATEWAY_LOCK, KEEPER_UNIT, MONITOR_UNIT
from mediaserver.firewall import keeper
from mediaserver.monitor import hold, host_settings
from mediaserver.programs import Programs, run
from mediaserver.tunnel.gateway import Gateway, Host, look_up_nothing

PROGRAMS = Programs(KEEPER_UNIT, MONITOR_UNIT)


def release(*, dry_run: bool) -> list[str]:
    """End the hold and start vpn-monitor if needed; return what was started. Raises GatewayError."""
    if not dry_run:
        hold.release()
    if run(["systemctl", "is-active", "--quiet", MONITOR_UNIT]).returncode == 0:
        return []
    if not dry_run and run(["systemctl", "start", MONITOR_UNIT]).returncode != 0:
        raise GatewayError(f"{MONITOR_UNIT} does not start; see: journalctl --unit {MONITOR_UNIT}")
    return [f"{MONITOR_UNIT} is started"]


def render_at_boot(root: Path) -> Callable[[bool], str]:
    """Return what renders the outer table from the files alone, without a resolver."""
    gateway = Gateway(root, resolve=look_up_nothing)
    return lambda owned: gateway.outer(owned=owned)


def main(arguments: Sequence[str], *, root: Path) -> int:
    parser = argparse.ArgumentParser(prog="vpn-gateway", description="Keeps the VPN gateway as configured.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("barrier", help="load the outer barrier (before Docker starts; resolves nothing)")
    commands.add_parser("keep", help="own the outer barrier, so that no other program can change it, and stay")
    plan = commands.add_parser("plan", help="print what is not as configured, change nothing")
    apply = commands.add_parser("apply", help="correct what is not as configured, and print it")
    apply.add_argument("--hold", type=float, metavar="SECONDS", help="pause vpn-monitor meanwhile and after")
    for command in (plan, apply):
        command.add_argument("--program", metavar="DIGEST", help="restart programs that were not started as this one")
        command.add_argument("--restart", action="store_true", help="with --program, restart them in any case")
    take = commands.add_parser("hold", help="pause vpn-monitor for a while, in place of an earlier hold")
    take.add_argument("seconds", type=float, metavar="SECONDS")
    let_go = commands.add_parser("release", help="end the pause of vpn-monitor, and start it if it does not run")
    let_go.add_argument("--dry-run", action="store_true", help="print what would be started, change nothing")
    report = commands.add_parser("report", help="print whether the tunnel is up, as JSON, and the likely cause if not")
    report.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="for a tunnel that is not up yet")
    chosen = parser.parse_args(arguments)
    try:
        _do(chosen, root)
    except (MediaserverError, OSError, ValueError) as error:
        journal.error(f"vpn-gateway: {reason(error)}")
        if chosen.command == "barrier":
            journal.error(f"vpn-gateway: {keeper.way_out(root)}")
        return 1
    return 0


def _do(chosen: argparse.Namespace, root: Path) -> None:
    if chosen.command in ("barrier", "keep"):
        (keeper.raise_barrier if chosen.command == "barrier" else keeper.keep)(render_at_boot(root))
        return
    if chosen.command == "hold":
        _hold(chosen.seconds)
        return
    if chosen.command == "report":
        from mediaserver.verify import status  # noqa: PLC0415  (it imports this module)

        print(status.report(root, chosen.wait))
        return
    if chosen.command == "release":
        lines = release(dry_run=chosen.dry_run)
    elif chosen.command == "plan":
        lines = [
            *_forwarding(),
            *Gateway(root).differences(Host()),
            *PROGRAMS.plan(chosen.program, anyway=chosen.restart),
        ]
    else:
        if chosen.hold:
            _hold(chosen.hold)
        lines = _apply(chosen, root)
    for line in lines:
        print(line)


def _apply(chosen: argparse.Namespace, root: Path) -> list[str]:
    def renew(unit: str) -> list[str]:
        # Not without the digest: at a boot, systemd itself is at work on these units.
        return PROGRAMS.renew(unit, chosen.program, anyway=chosen.restart) if chosen.program else []

    # vpn-monitor takes the same lock before it judges the barrier, so it does not see the keeper's restart.
    with files.locked(GATEWAY_LOCK):
        lines = renew(KEEPER_UNIT)
        gateway = Gateway(root)
        lines += [*_forwarding(), *gateway.apply(Host())]
        host_settings.switch_on_forwarding()
    for note in [*gateway.order_note(), *gateway.notes()]:
        journal.warning(f"vpn-gateway: {note}", stream=sys.stderr)
    return lines + renew(MONITOR_UNIT)


def _forwarding() -> list[str]:
    return [f"{name} is switched on" for name in host_settings.forwarding_off()]


def _hold(seconds: float) -> None:
    hold.take("ansible", seconds, clock.now())
