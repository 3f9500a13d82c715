# SPDX-License-Identifier: GPL-3.0-or-later
"""A page on the internet that answers with the caller's address."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import urllib.parse

TIMEOUT_S = 10.0


def is_page(url: str) -> bool:
    try:
        where = urllib.parse.urlsplit(url)
        return where.scheme in ("http", "https") and bool(where.hostname) and where.port != 0
    except ValueError:
        return False


def ask_over_ipv4(url: str) -> str:
    """Return what a page says to this host itself. Raises OSError, HTTPException, ValueError for no good answer."""
    where = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    # Bound to an address of IPv4, it cannot go by IPv6, which would always be another address than Transmission's.
    line = kind(where.hostname or "", where.port, timeout=TIMEOUT_S, source_address=("0.0.0.0", 0))
    with contextlib.closing(line):
        line.request("GET", f"{where.path or '/'}{'?' if where.query else ''}{where.query}")
        answer = line.getresponse()
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        return answer.read(1000).decode(errors="replace").strip()


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
