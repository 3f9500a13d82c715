# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmission after an interruption of the tunnel: its peers, and the port that the provider forwards."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediaserver import journal, services
from mediaserver._core.errors import MediaserverError, TooLong, reason
from mediaserver._core.names import VPN_BRIDGE
from mediaserver.monitor.problems import Code, Problem
from mediaserver.monitor.repairs import Repairs
from mediaserver.monitor.steps import Act, Step
from mediaserver.tunnel import port_forwarding
from mediaserver.tunnel.configuration import Settings

if TYPE_CHECKING:
    from mediaserver._transmission.client import TransmissionClient

# Seconds from the request to announce to the check of the result.
SWARM_PATIENCE_S = 20.0
RPC_TIMEOUT_S = 5.0
LONGEST_ANSWER = 1 << 20
# Downloading and seeding, or in the queue for it (rpc-spec.md of Transmission 4.0.6, section 3.3).
WANTING_PEERS, DOWNLOADING = (3, 4, 5, 6), 4
FIELDS = ("id", "status", "downloadedEver", "peersConnected", "trackerStats")

Torrents = Sequence[Mapping[str, Any]]


def transmission(root: Path) -> TransmissionClient:
    """Return a client for Transmission, asked from the host by the VPN network's bridge. Raises FileProblem.

    What answers there is in the VPN namespace and may be hostile: its answers have a bounded size and time.
    """
    # Here, because http.client takes memory, and many households never need it.
    from mediaserver._core.transport import UrlHttp  # noqa: PLC0415
    from mediaserver._transmission.access import Access  # noqa: PLC0415
    from mediaserver._transmission.client import TransmissionClient  # noqa: PLC0415

    access = Access.read(str(root / "gateway" / "transmission.json"))
    http = UrlHttp(device=VPN_BRIDGE, max_bytes=LONGEST_ANSWER)
    return TransmissionClient(http, access.url, username=access.user, password=access.password, timeout=RPC_TIMEOUT_S)


def unread(root: Path, service: str) -> Problem:
    """Return the problem that Transmission's answer about its torrents is longer than vpn-monitor reads."""
    text = (
        f"Transmission's answer about its torrents is longer than {LONGEST_ANSWER} bytes, so vpn-monitor cannot tell "
        "whether they have found their peers again after an interruption. If nothing is received, restart it: "
        f"sudo docker compose --project-directory {root} restart {service}"
    )
    return Problem(Code.TORRENTS_UNREAD, text)


def received(torrents: Torrents) -> dict[int, int]:
    """Return the bytes that each torrent which is still downloading has received so far, by its id."""
    return {one["id"]: one["downloadedEver"] for one in torrents if one["status"] == DOWNLOADING}


def is_deserted(torrents: Torrents, before: Mapping[int, int]) -> bool:
    """Say whether expected peers are missing: no tracker has answered, or one knows seeds for a download without peers.

    Or peers are connected, and no download has received a byte more than ``received`` returned before: such
    connections are from before the tunnel's interruption, and TCP may retry them for two minutes.
    """
    wanting = [one for one in torrents if one["status"] in WANTING_PEERS and one["trackerStats"]]
    downloads = [one for one in wanting if one["status"] == DOWNLOADING]
    if any(one["peersConnected"] for one in wanting):
        return bool(downloads) and received(downloads) == before
    answered = any(tracker["lastAnnounceSucceeded"] for one in wanting for tracker in one["trackerStats"])
    known = any(tracker["seederCount"] > 0 for one in downloads for tracker in one["trackerStats"])
    return bool(wanting) and (not answered or known)


@dataclass
class SwarmRecovery:
    """Connects torrents to their peers again after an interruption of the tunnel.

    Transmission itself waits up to two hours after failed announcements, and a quarter of an hour for peers that it
    could not reach twice. On request it asks trackers earlier, but not those that have not answered since its start
    (tried with 4.1.0), and never peers: then only a restart helps. The same holds for connections that look alive and
    are dead.
    """

    root: Path
    _due: bool = False
    found: Problem | None = None
    _judged_at: float | None = None
    _received: dict[int, int] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """The tunnel was interrupted, and the result is not checked yet. vpn-monitor keeps this over its restart."""
        return self._due or self._judged_at is not None

    def refresh(self, now: float, do: Callable[[Step], bool], *, service: str, alive: bool, idle: bool = True) -> None:
        """Announce and check while the tunnel is alive; ``idle``: nothing else is repaired in this round.

        ``do`` carries out a step and returns whether that worked; ``service`` is the name of Transmission's service.
        """
        if not alive:
            self._due, self._judged_at = True, None
            return
        try:
            if self._due:
                self._announce(transmission(self.root))
                self._due, self._judged_at = False, now + SWARM_PATIENCE_S
            elif idle and self._judged_at is not None and now >= self._judged_at:
                # Once for each interruption: the swarm itself may be dead.
                deserted = is_deserted(transmission(self.root).torrents(FIELDS), self._received)
                self._judged_at, self.found = None, None
                if deserted and not do(Step(Act.RESTART, "nothing comes from Transmission's swarm", (service,))):
                    self._judged_at = now + SWARM_PATIENCE_S
        except TooLong:
            # Once for each interruption: the next answer would be as long.
            self._due, self._judged_at, self.found = False, None, unread(self.root, service)
        except (MediaserverError, KeyError, TypeError, AttributeError):
            return  # it may be starting; tried again in the next round

    def _announce(self, daemon: TransmissionClient) -> None:
        """Raises TooLong, also then after the announcement."""
        try:
            self._received = received(daemon.torrents(FIELDS[:3]))
        except TooLong:
            daemon.reannounce()
            raise
        daemon.reannounce()
        journal.info("Transmission asks its trackers again")


@dataclass
class ForwardedPort:
    """The forwarded port, where the household asks its provider for one."""

    root: Path
    repairs: Repairs
    _forwarding: port_forwarding.Forwarding | None = None
    _complaint: str = ""

    def refresh(self, settings: Settings, now: float, tunnel: Callable[[], socket.socket] | None) -> bool:
        """Keep the lease while there is a tunnel, and close the port when it ends.

        Logs what is new, once; returns whether the port has changed.
        """
        if not settings.natpmp_server:
            return False
        if self._forwarding is None or self._forwarding.server != settings.natpmp_server:
            self._forwarding = port_forwarding.Forwarding(
                settings.natpmp_server, settings.closed_ports, lambda: transmission(self.root), self.repairs.apply
            )
        # Both can change with the household's services, without a restart of vpn-monitor.
        self._forwarding.has_transmission = services.tells_transmission(settings.services)
        self._forwarding.never = settings.closed_ports
        try:
            news = self._forwarding.refresh(tunnel, now) if tunnel else self._forwarding.expire(now)
        except (MediaserverError, OSError) as error:
            if reason(error) != self._complaint:
                journal.warning(f"no port is forwarded: {reason(error)}")
            self._complaint = reason(error)
            return False
        if news or self._forwarding.settled:
            self._complaint = ""
        if news:
            journal.info(news)
        return news is not None
