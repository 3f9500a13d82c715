# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The summary at the end of a playbook run: state of the tunnel, addresses to open, next step. Pure."""

from __future__ import annotations

import json
import typing as t

ANY_HOUSEHOLD = "inventory/<household>"
OLD_PROGRAMS = (
    "Tunnel: not checked, because the programs on this host are of another version. Run the playbook without --tags."
)


def parse(text: str) -> dict[str, t.Any]:
    """Return the report that ``vpn-gateway report`` printed as JSON; empty for any other text."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "up" in found else {}


def lines(
    report: t.Mapping[str, t.Any],
    address: str,
    web_interfaces: t.Iterable[t.Mapping[str, t.Any]],
    next_steps: t.Sequence[str],
    user: str,
    household: str,
) -> list[str]:
    """Return the lines of the summary.

    Each of ``web_interfaces`` has a title, a port of the host, and a scheme, by default http. ``household`` is the
    folder of the inventory; empty where there is none.
    """
    problems = [f"{problem['text'][:1].upper()}{problem['text'][1:]}." for problem in report.get("problems", [])]
    if not report:
        tunnel, problems = [OLD_PROGRAMS], []
    elif report["up"]:
        server = f"{report['peer']} ({report['endpoint']})" if report["endpoint"] else report["peer"]
        tunnel = [f"Tunnel: up, through server {server}."]
    else:
        tunnel = [f"Tunnel: NOT up. {problems[0] if problems else ''}".rstrip()]
        problems = problems[1:]
    tunnel += [f"Also to correct: {text}" for text in problems]
    urls = [f"{one['title']} {one.get('scheme', 'http')}://{address}:{one['port']}" for one in web_interfaces]
    if urls:
        tunnel.append(f"Open: {', '.join(urls)}")
    return [*tunnel, _next_step(report, next_steps, user, household or ANY_HOUSEHOLD)]


def _next_step(report: t.Mapping[str, t.Any], next_steps: t.Sequence[str], user: str, household: str) -> str:
    if report and not report["up"]:
        if report.get("must_act"):
            return (
                "Next: correct that and run the playbook again. Until then torrents do not run, and no traffic "
                "bypasses the tunnel."
            )
        return "Next: wait. vpn-monitor retries until the tunnel is up; see: sudo journalctl -u vpn-monitor"
    steps = [*([f"log in as {user}"] if user else []), *next_steps]
    before = f"{', '.join(steps)}, and " if steps else ""
    return f"Next: {before}run `make verify HOUSE={household}` to check that no traffic bypasses the tunnel."
