# SPDX-License-Identifier: GPL-3.0-or-later
"""What Transmission needs when the tunnel comes and goes: its swarms back, and the port that the provider forwards."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mediaserver import services
from mediaserver.monitor.decide import Act, Step
from mediaserver.monitor.repairs import Hands
from mediaserver.tunnel import natpmp, port_forwarding
from mediaserver.tunnel.configuration import GatewayError, Settings

# From the word to ask its trackers to the look at what they have answered.
SWARM_PATIENCE_S = 20.0


def transmission(root: Path) -> port_forwarding.Transmission:
    """Raises OSError, ValueError, KeyError."""
    return port_forwarding.Transmission.from_file(root / "gateway" / "transmission.json")


@dataclass
class Swarm:
    """Brings the torrents back to their swarms when the tunnel is back.

    Transmission itself waits up to two hours after announcements that failed, and a quarter of an hour for peers that
    it could not reach twice. It asks trackers earlier when told to, but not those that have not answered since its
    start (tried with 4.1.0), and peers not at all: then only a new start helps. So it does where connections look
    alive and are not.
    """

    root: Path
    _due: bool = False
    _judged_at: float | None = None
    _received: dict[int, int] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """The tunnel was away, and what came of it is not judged yet: to be known after a new start, too."""
        return self._due or self._judged_at is not None

    def tend(self, now: float, do: Callable[[Step], bool], *, service: str, alive: bool, idle: bool = True) -> None:
        """Ask and judge while the tunnel is alive; ``idle`` where nothing else is repaired in this look.

        ``do`` does a step, and says whether that worked; ``service`` is the name of the one that is Transmission.
        """
        if not alive:
            self._due, self._judged_at = True, None
            return
        try:
            if self._due:
                daemon = transmission(self.root)
                self._received = daemon.received()
                daemon.announce()
                self._due, self._judged_at = False, now + SWARM_PATIENCE_S
                print("Transmission asks its trackers again", flush=True)
            elif idle and self._judged_at is not None and now >= self._judged_at:
                # Once for each time that the tunnel was away: a swarm may as well be dead.
                deserted, self._judged_at = transmission(self.root).is_deserted(self._received), None
                if deserted and not do(Step(Act.RESTART, "nothing comes from Transmission's swarm", (service,))):
                    self._judged_at = now + SWARM_PATIENCE_S
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return  # it may be starting; the next look tries again


@dataclass
class Port:
    """The forwarded port, where the household asks its provider for one."""

    root: Path
    hands: Hands
    _forwarding: port_forwarding.Forwarding | None = None
    _complaint: str = ""

    def tend(self, settings: Settings, now: float, tunnel: Callable[[], socket.socket] | None) -> bool:
        """Keep the lease while there is a tunnel, and close the port when it ends.

        Says what is new, once; returns whether the port is another now.
        """
        if not settings.natpmp_server:
            return False
        if self._forwarding is None or self._forwarding.server != settings.natpmp_server:
            self._forwarding = port_forwarding.Forwarding(
                settings.natpmp_server, settings.closed_ports, lambda: transmission(self.root), self.hands.apply
            )
        self._forwarding.has_transmission = services.torrents(settings.services) is not None
        try:
            said = self._forwarding.tend(tunnel, now) if tunnel else self._forwarding.expire(now)
            changed = said is not None
            if changed or self._forwarding.settled:
                self._complaint = ""
        except (natpmp.NatPmpError, GatewayError, OSError, ValueError, KeyError) as error:
            said = f"no port is forwarded: {error}" if str(error) != self._complaint else None
            self._complaint, changed = str(error), False
        if said:
            print(said, flush=True)
        return changed
