# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts the line between the house and the internet, or part of it, at the house's router."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stage import Stage


@contextmanager
def dead_endpoints(stage: Stage, *addresses: str) -> Iterator[None]:
    """Have the router lose everything to and from the provider's servers."""
    ends = f"{{ {', '.join(addresses)} }} udp"
    with _outage(stage, f"ip daddr {ends} dport 51820 drop", f"ip saddr {ends} sport 51820 drop"):
        yield


@contextmanager
def no_line(stage: Stage) -> Iterator[None]:
    """Have the house's line cut."""
    with _outage(stage, "drop"):
        yield


@contextmanager
def _outage(stage: Stage, *rules: str) -> Iterator[None]:
    chain = "\n".join(["type filter hook forward priority -10;", *rules])
    stage.router("nft -f -", stdin=f"table ip outage {{\nchain lost {{\n{chain}\n}}\n}}\n")
    try:
        yield
    finally:
        stage.router("nft delete table ip outage")
