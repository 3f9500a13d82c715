# SPDX-License-Identifier: GPL-3.0-or-later
"""nftables through its own library (libnftables(3)), without child processes.

A context keeps its netlink socket: it acts in the network namespace in which it was made, and owns the tables
that it loaded as owned.
"""

from __future__ import annotations

import re
from typing import Any

from mediaserver._core.errors import GatewayError
from mediaserver.firewall import barrier


class Nft:
    """One context of libnftables, made in the network namespace of the calling thread."""

    def __init__(self) -> None:
        try:
            import nftables  # noqa: PLC0415  (where it is missing, the rest of the programs still works)
        except ImportError as error:
            raise GatewayError("Debian's package python3-nftables is missing; run the playbook again") from error
        self._context: Any = nftables.Nftables()

    def load(self, text: str) -> None:
        """Do the commands of ``text`` as one transaction, or none of them. Raises GatewayError."""
        code, _unused, message = self._context.cmd(text)
        if code != 0:
            # nft repeats itself for every rule of the transaction.
            said = next(iter(message.strip().splitlines()), "") or f"it ended with {code} and said nothing"
            raise GatewayError(f"nft: {said}")

    def close(self) -> None:
        """Give up the socket, and with it what it owns: a table that is persistent stays without an owner."""
        self._context = None

    def listing(self, family: str, table: str) -> str | None:
        """Return what ``nft list table`` prints, or None when there is no such table."""
        code, output, _unused = self._context.cmd(f"list table {family} {table}")
        return str(output) if code == 0 else None

    def leak_attempts(self, table: str) -> int | None:
        """Return how many packets from inside a table of family inet has dropped; None when it is not there.

        The outer table counts by itself what was addressed to the host.
        """
        listing = self.listing("inet", table) or ""
        found = re.findall(r"counter leak_attempts_(?:out|host) \{\s*packets (\d+)", listing)
        return sum(map(int, found)) if found else None

    def fingerprint(self, table: str) -> str | None:
        """Return the fingerprint of a table of family inet as the kernel has it now; None when it is not there."""
        found = self.listing("inet", table)
        return None if found is None else barrier.fingerprint(found)
