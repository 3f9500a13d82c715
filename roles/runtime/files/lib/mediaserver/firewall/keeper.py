# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper of the outer barrier: the process that owns the table as long as the host runs.

It is loaded before Docker starts by a service that ends; another one that stays then takes it over. An owned table
survives ``nft flush ruleset`` and a restart of nftables.service without a gap. At SIGHUP the
program executes itself again, so that it is always the installed one and reads the configuration again. The table stays
meanwhile, because it is persistent.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mediaserver import journal
from mediaserver._core import files
from mediaserver._core.errors import GatewayError
from mediaserver._core.names import BARRIER_UNIT, DOCKER_UNIT, KEEPER_LOCK, LOADED_BARRIER, OUTER_TABLE, STACK_UNIT
from mediaserver.firewall.nft import Nft

# A keeper that is stopping may still hold the lock.
LOCK_PATIENCE_S = 5.0
SIGNALS = {signal.SIGHUP, signal.SIGTERM, signal.SIGINT}
# The first unit would start this stack again, and stops vpn-monitor, which does. The second is what Docker requires.
# Docker itself starts this stack's containers that ran before, so they are stopped last.
WITHOUT_STACK = (
    f"sudo systemctl disable --now {STACK_UNIT}",
    f"sudo systemctl disable {BARRIER_UNIT}",
    f"sudo systemctl start {DOCKER_UNIT}",
    "sudo docker compose --project-directory {root} stop",
)


def stands(nft: Nft, table: str, note: Path = LOADED_BARRIER) -> bool:
    """Say whether the kernel's outer table is the one that was loaded from exactly this text (not owned form)."""
    try:
        noted = json.loads(files.read(note) or "{}")
    except (ValueError, RecursionError):
        return False
    found = nft.fingerprint(OUTER_TABLE)
    return found is not None and noted == {"text": files.digest(table), "fingerprint": found}


def load(nft: Nft, render: Callable[[bool], str], note: Path = LOADED_BARRIER) -> bool:
    """Load the outer table and note what the kernel made of it; return whether it is owned.

    ``render`` takes whether the table is to be owned. Raises GatewayError; the table that was there then stands.
    """
    owned = True
    try:
        nft.load(render(True))
    except GatewayError:
        # A kernel before 6.9, or a mistake in the table: the second try tells which.
        owned = False
        try:
            nft.load(render(False))
        except GatewayError as error:
            raise GatewayError(f"the outer barrier could not be loaded, so Docker must not start: {error}") from error
    found = nft.fingerprint(OUTER_TABLE)
    if found is None:
        raise GatewayError("the outer barrier vanished right after it was loaded, so Docker must not start")
    noted = {"text": files.digest(render(False)), "fingerprint": found}
    files.write(note, json.dumps(noted) + "\n", mode=0o600)
    return owned


def way_out(root: Path) -> str:
    """Say how a person starts Docker while the barrier cannot be loaded."""
    commands = "; ".join(WITHOUT_STACK).format(root=root)
    return (
        f"{DOCKER_UNIT} requires the outer barrier. To use Docker without this stack until it is repaired: {commands}"
    )


def raise_barrier(render: Callable[[bool], str]) -> None:
    """Load the barrier unless it is loaded already; the keeper that starts next becomes its owner."""
    nft = Nft()
    if not stands(nft, render(False)):
        load(nft, render)


def keep(render: Callable[[bool], str], lock: Path = KEEPER_LOCK) -> None:
    """Load the barrier and stay, as a service of type notify-reload. Returns when a signal stops it.

    Raises GatewayError where another one stays already.
    """
    # Blocked first and forever, over a new start too: a signal that comes early waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        with files.locked(lock, patience=LOCK_PATIENCE_S):
            _keep(render)
    except TimeoutError as error:
        raise GatewayError(
            "another keeper owns the barrier; see: systemctl status mediaserver-barrier-keeper"
        ) from error


def _keep(render: Callable[[bool], str]) -> None:
    nft = Nft()
    owned = load(nft, render)
    if owned:
        journal.info("vpn-gateway: the outer barrier stands; no other program can change it")
    else:
        journal.warning("vpn-gateway: the outer barrier stands; this kernel (before 6.9) lets other programs flush it")
    notify("READY=1")
    if signal.sigwait(SIGNALS) == signal.SIGHUP:
        notify(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")
        # The socket would outlive this program otherwise, and the next one could not become the owner.
        nft.close()
        os.execv(sys.executable, [sys.executable, *sys.argv])


def notify(message: str) -> None:
    """Tell systemd (sd_notify(3)); nothing happens where systemd does not listen."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        line.sendall(message.encode())
