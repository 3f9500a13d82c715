# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a household reads at the end of a playbook run: the tunnel, the addresses to open, and what to do next. Pure."""

from __future__ import annotations

import json
import typing as t

OLD_PROGRAMS = (
    "Tunnel: not checked, because the programs on this host are of another version. Run the playbook without --tags."
)


def parse(text: str) -> dict[str, t.Any]:
    """Return what ``vpn-gateway report`` printed; empty where it is not its JSON."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "up" in found else {}


def lines(
    report: t.Mapping[str, t.Any],
    address: str,
    pages: t.Iterable[t.Mapping[str, t.Any]],
    next_steps: t.Sequence[str],
    user: str,
) -> list[str]:
    """Return the screen, a line for each thing to know. ``pages`` are web interfaces, each a title and a port."""
    problems = [f"{one['text'][:1].upper()}{one['text'][1:]}." for one in report.get("problems", [])]
    if not report:
        told, problems = [OLD_PROGRAMS], []
    elif report["up"]:
        server = f"{report['peer']} ({report['endpoint']})" if report["endpoint"] else report["peer"]
        told = [f"Tunnel: up, through server {server}."]
    else:
        told = [f"Tunnel: NOT up. {problems[0] if problems else ''}".rstrip()]
        problems = problems[1:]
    told += [f"Also to be put right: {text}" for text in problems]
    places = [f"{page['title']} http://{address}:{page['port']}" for page in pages]
    return [*told, *([f"Open: {', '.join(places)}"] if places else []), _next(report, next_steps, user)]


def _next(report: t.Mapping[str, t.Any], next_steps: t.Sequence[str], user: str) -> str:
    if report and not report["up"]:
        if report.get("must_act"):
            return (
                "Next: correct that and run the playbook again. Until then torrents stand still, and nothing leaves "
                "past the tunnel."
            )
        return "Next: nothing, if that ends by itself. vpn-monitor goes on trying; see: sudo journalctl -u vpn-monitor"
    steps = [*([f"log in as {user}"] if user else []), *next_steps]
    before = f"{', '.join(steps)}, and " if steps else ""
    return f"Next: {before}run playbooks/verify.yml to see that nothing leaves past the tunnel."
