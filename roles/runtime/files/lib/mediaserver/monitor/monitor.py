# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn-monitor: looks, decides, does one step, says so, and waits for Docker's next event or the next tick."""

from __future__ import annotations

import argparse
import contextlib
import select
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mediaserver import services
from mediaserver._core import files
from mediaserver._core.clock import now
from mediaserver._core.docker import DockerClient, Events
from mediaserver._core.errors import DockerError, GatewayError
from mediaserver._core.names import MONITOR_LOCK, MONITOR_STATE, PROJECT
from mediaserver.monitor import hold, monitor_state
from mediaserver.monitor.decide import Memory, Step, Verdict, decide
from mediaserver.monitor.observe import Watch
from mediaserver.monitor.problems import Problem
from mediaserver.monitor.repairs import Hands
from mediaserver.monitor.report import Report, state_of
from mediaserver.monitor.torrents import Port, Swarm
from mediaserver.tunnel import dns
from mediaserver.tunnel.configuration import active_peer
from mediaserver.tunnel.gateway import Gateway, look_up_nothing
from mediaserver.tunnel.mtu import PacketSize

# Seconds between looks: when all is well, and while something is being put right.
CALM_S, BUSY_S = 5.0, 1.0


@dataclass
class Monitor:
    """One look after the other, and what is kept between them."""

    root: Path
    eyes: Watch
    hands: Hands
    report: Report
    port: Port
    swarm: Swarm
    kept: Path = MONITOR_STATE
    memory: Memory = field(default_factory=Memory)
    packet_size: PacketSize = field(default_factory=PacketSize)

    @classmethod
    def of(cls, root: Path) -> Monitor:
        """Raises GatewayError when what it needs on this host is missing."""
        hands, memory = Hands(root), monitor_state.load(now())
        swarm = Swarm(root, memory.swarm_pending)
        return cls(root, Watch(root), hands, Report(), Port(root, hands), swarm, memory=memory)

    def round(self) -> float:
        """Look, decide, do; return the seconds to wait. What goes wrong is said, and the next look comes."""
        try:
            return self._look()
        except Exception as error:  # whatever somebody has put into a file or an answer
            self.report.blind(error)
            return CALM_S

    def _look(self) -> float:
        gateway = Gateway(self.root, resolve=look_up_nothing)
        held = hold.look(now())
        self.report.hold(held)
        seen = self.eyes.look(gateway, held=bool(held and held.valid))
        verdict = decide(seen, self.memory, now())
        if seen.tunnel and not verdict.tunnel_alive:
            # Asked only now, because at rest the house's own resolvers are not bothered.
            seen = replace(seen, online=dns.house_is_online())
            verdict = decide(seen, self.memory, now())
        alive, step = verdict.tunnel_alive, verdict.step
        self.memory = replace(verdict.memory, swarm_pending=self.swarm.pending)
        # Before the step, which may end this program.
        monitor_state.save(self.memory, self.kept)
        self.report.look(state_of(seen, verdict), self._problems(verdict), **_facts(gateway, self.eyes))
        pause = BUSY_S if verdict.busy else CALM_S
        if step and not self._do(step):
            pause = CALM_S
        # Not while answers fail to come: a look must not wait for a provider that may be gone.
        carries = alive and (verdict.carries or not self.memory.unanswered)
        tunnel = self.eyes.tunnel_socket if carries else None
        # Even while held: a lease ends after a minute, and nobody else prolongs it or closes its port.
        if self.port.tend(gateway.settings, now(), tunnel):
            pause = BUSY_S
        # Only while answers come at once: a probe in which nothing is answered takes seconds.
        answering = alive and not self.memory.unanswered and not seen.held
        settings = gateway.settings
        inside = self.eyes.inside if answering else None
        self.packet_size.tend(now(), settings.mtu, settings.resolvers, inside)
        # A Docker that does not answer tells nothing of the tunnel.
        if seen.docker and not seen.held and (torrents := services.torrents(settings.services)):
            self.swarm.tend(now(), self._do, service=torrents.name, alive=alive, idle=step is None)
        return pause

    def _problems(self, verdict: Verdict) -> tuple[Problem, ...]:
        lost = self.packet_size.found if verdict.tunnel_alive else None
        return (*verdict.problems, lost) if lost else verdict.problems

    def _do(self, step: Step) -> bool:
        self.report.step(step)
        try:
            self.hands.do(step)
        except Exception as error:
            self.report.failure(error)
            return False
        return True


def watch(monitor: Monitor) -> None:
    """Run forever."""
    events: Events | None = None
    while True:
        # Before the look, so that nothing happens between the two.
        events = events or _listen()
        events = _wait(events, monitor.round())


def _facts(gateway: Gateway, eyes: Watch) -> dict[str, object]:
    peer = active_peer(gateway.settings, gateway.state)
    return {
        "peer": peer.name,
        "endpoint": gateway.state.addresses.get(peer.host, ""),
        "forwarded_port": gateway.settings.forwarded_port or gateway.leased_port(),
        "leak_attempts": eyes.leak_attempts(),
    }


def _listen() -> Events | None:
    try:
        return DockerClient().events(PROJECT)
    except DockerError:
        return None


def _wait(events: Events | None, seconds: float) -> Events | None:
    """Wait for an event of Docker's or the time; return the stream as long as it goes on."""
    if events is None:
        time.sleep(seconds)
        return None
    if select.select([events], [], [], seconds)[0] and not events.drain():
        events.close()
        time.sleep(min(seconds, BUSY_S))
        return None
    return events


def main(arguments: Sequence[str], *, root: Path, lock: Path = MONITOR_LOCK) -> int:
    """Watch until told to stop, and say so then. Returns 1 when it cannot run, or runs already."""
    argparse.ArgumentParser(
        prog="vpn-monitor",
        description="Keeps containers and tunnel of the media server running. A service: systemctl status vpn-monitor",
    ).parse_args(arguments)
    try:
        with files.locked(lock, patience=0):
            return _run(root)
    except TimeoutError:
        print("vpn-monitor: another one runs already; see: systemctl status vpn-monitor", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"vpn-monitor: {error}; it has to run as root", file=sys.stderr)
        return 1


def _run(root: Path) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        monitor = Monitor.of(root)
    except GatewayError as error:
        print(f"vpn-monitor: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    with contextlib.suppress(KeyboardInterrupt):
        watch(monitor)
    # One word to stop is enough: nothing may come between it and the last word.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    monitor.report.stopped()
    return 0
