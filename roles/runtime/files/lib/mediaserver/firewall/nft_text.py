# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of nft's text: sets, counters, chains, and values that nft cannot misread.

Each function of a value raises ValueError for one that is none.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

# After conntrack (-200), so that every packet's state is known; before Docker's filter rules (0), so that
# nothing of Docker's sees what is dropped here. A drop is final in nft, an accept is not: Docker's rules
# still apply.
PRIORITY = -150
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")

# The counter of new connections to published ports from outside mediaserver_lan.
OUTSIDE_LAN = "strangers"

Endpoint = tuple[str, int]


def late_answer(ports: str) -> str:
    """Match a segment from one of a set of ports that belongs to a connection which this kernel no longer knows.

    Docker forgets connections when a container restarts, while their other ends go on. Such a segment opens no
    connection, so it is dropped without being counted. A SYN alone would open one.
    """
    return f"tcp sport @{ports} tcp flags & (ack | rst) != 0x0"


def table(name: str, body: Iterable[str], *, flags: str = "") -> str:
    flagged = [f"    flags {flags}"] if flags else []
    # The first statement makes the table when it is not there yet, so that the second never fails; one that a
    # dead owner left is adopted by it.
    head = [f"table inet {name} {{", *flagged, "}", f"delete table inet {name}", f"table inet {name} {{", *flagged]
    return "\n".join([*head, *(f"    {line}" for line in body), "}"]) + "\n"


def named_set(name: str, kind: str, elements: Sequence[str], *, interval: bool = False) -> list[str]:
    # An empty set matches nothing; nft has no way to write empty elements.
    flags = ["    flags interval"] if interval else []
    listed = [f"    elements = {{ {', '.join(elements)} }}"] if elements else []
    return [f"set {name} {{", f"    type {kind}", *flags, *listed, "}"]


def counters(*names: str) -> list[str]:
    return [line for name in names for line in (f"counter {name} {{", "}")]


def chain(name: str, *rules: str, hook: str = "", policy: str = "accept") -> list[str]:
    base = [f"    type filter hook {hook} priority {PRIORITY}; policy {policy};"] if hook else []
    return [f"chain {name} {{", *base, *(f"    {rule}" for rule in rules), "}"]


def drop(counter: str, match: str = "") -> str:
    return f"{match} counter name {counter} drop".strip()


def interface(name: str) -> str:
    if not INTERFACE.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a network interface")
    return name


def port_of(port: int) -> str:
    if not 0 < port < 65536:
        raise ValueError(f"{port} is not a port")
    return str(port)


def ports_of(ports: Sequence[int]) -> list[str]:
    return [port_of(port) for port in sorted(set(ports))]


def endpoints_of(endpoints: Sequence[Endpoint]) -> list[str]:
    known = sorted({(ipaddress.IPv4Address(address), port) for address, port in endpoints})
    return [f"{address} . {port_of(port)}" for address, port in known]


def prefixes_of(prefixes: Sequence[str]) -> list[str]:
    # Collapsed here, because nft refuses a set whose intervals overlap.
    return [str(prefix) for prefix in ipaddress.collapse_addresses(ipaddress.IPv4Network(p) for p in prefixes)]
