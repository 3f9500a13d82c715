# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn-monitor: observes, decides, does one step, logs it, and waits for Docker's next event or the next tick."""

from __future__ import annotations

import argparse
import contextlib
import select
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mediaserver import journal, services
from mediaserver._core import files
from mediaserver._core.clock import now
from mediaserver._core.docker import DockerClient, Events
from mediaserver._core.errors import DockerError, GatewayError, reason
from mediaserver._core.names import MONITOR_LOCK, MONITOR_STATE, PROJECT
from mediaserver.monitor import hold, monitor_state
from mediaserver.monitor.decide import Decision, decide
from mediaserver.monitor.monitor_state import MonitorState
from mediaserver.monitor.observe import Observer
from mediaserver.monitor.port_delivery import PortDelivery
from mediaserver.monitor.problems import Problem
from mediaserver.monitor.repairs import Repairs
from mediaserver.monitor.report import Report, state_of
from mediaserver.monitor.steps import Step
from mediaserver.monitor.torrents import ForwardedPort, SwarmRecovery
from mediaserver.tunnel import dns
from mediaserver.tunnel.configuration import active_peer
from mediaserver.tunnel.gateway import Gateway, look_up_nothing
from mediaserver.tunnel.mtu import PacketSize

# Seconds between rounds: when all is well, and during a repair.
CALM_S, BUSY_S = 5.0, 1.0


@dataclass
class Monitor:
    """The loop, and what is kept from one round to the next."""

    root: Path
    observer: Observer
    repairs: Repairs
    report: Report
    port: ForwardedPort
    swarm: SwarmRecovery
    delivery: PortDelivery
    kept: Path = MONITOR_STATE
    state: MonitorState = field(default_factory=MonitorState)
    packet_size: PacketSize = field(default_factory=PacketSize)

    @classmethod
    def of(cls, root: Path) -> Monitor:
        """Raises GatewayError when what it needs on this host is missing."""
        repairs, state = Repairs(root), monitor_state.load(now())
        swarm = SwarmRecovery(root, state.swarm_pending)
        port, delivery = ForwardedPort(root, repairs), PortDelivery(root)
        return cls(root, Observer(root), repairs, Report(), port, swarm, delivery, state=state)

    def round(self) -> float:
        """Observe, decide, repair; return the seconds to wait. A fault is logged, and the next round follows."""
        try:
            return self._observe_and_repair()
        except Exception as error:  # a file or an answer may hold anything
            self.report.blind(error)
            return CALM_S

    def _observe_and_repair(self) -> float:
        gateway = Gateway(self.root, resolve=look_up_nothing)
        held = hold.read(now())
        self.report.hold(held)
        observed = self.observer.observe(gateway, held=bool(held and held.valid))
        decision = decide(observed, self.state, now())
        if observed.tunnel and not decision.tunnel_alive:
            # Only now, so that the host's resolvers get no queries at rest.
            observed = replace(observed, online=dns.host_is_online())
            decision = decide(observed, self.state, now())
        alive, step = decision.tunnel_alive, decision.step
        self.state = replace(decision.state, swarm_pending=self.swarm.pending)
        # Before the step, which may restart this program.
        monitor_state.save(self.state, self.kept)
        self.report.update(state_of(observed, decision), self._problems(decision), **_facts(gateway, self.observer))
        pause = BUSY_S if decision.busy else CALM_S
        if step and not self._do(step):
            pause = CALM_S
        # Not while answers are missing: a round must not wait for a provider that may be gone.
        carries = alive and (decision.carries or not self.state.unanswered)
        tunnel = self.observer.tunnel_socket if carries else None
        # Even during a hold: a lease ends after a minute, and no other program renews it or closes its port.
        if self.port.refresh(gateway.settings, now(), tunnel):
            pause = BUSY_S
        if observed.docker and not observed.held:
            self._deliver(gateway)
        # Only while answers arrive: a probe without any answer takes seconds.
        answering = alive and not self.state.unanswered and not observed.held
        settings = gateway.settings
        inside = self.observer.inside if answering else None
        self.packet_size.refresh(now(), settings.mtu, settings.resolvers, inside)
        # Without Docker, the state of the tunnel is unknown.
        if observed.docker and not observed.held and (torrents := services.torrents(settings.services)):
            self.swarm.refresh(now(), self._do, service=torrents.name, alive=alive, idle=step is None)
        return pause

    def _deliver(self, gateway: Gateway) -> None:
        receiver = services.port_receiver(gateway.settings.services)
        port = gateway.settings.forwarded_port or gateway.leased_port()
        self.delivery.refresh(receiver, port, now())

    def _problems(self, decision: Decision) -> tuple[Problem, ...]:
        if not decision.tunnel_alive:
            return decision.problems
        return (*decision.problems, *(one for one in (self.packet_size.found, self.swarm.found) if one))

    def _do(self, step: Step) -> bool:
        self.report.step(step)
        try:
            self.repairs.do(step)
        except Exception as error:
            self.report.failure(error)
            return False
        return True


def watch(monitor: Monitor) -> None:
    """Run forever."""
    events: Events | None = None
    while True:
        # Before the observation, so that no event is lost between the two.
        events = events or _listen()
        events = _wait(events, monitor.round())


def _facts(gateway: Gateway, observer: Observer) -> dict[str, object]:
    peer = active_peer(gateway.settings, gateway.state)
    return {
        "peer": peer.name,
        "endpoint": gateway.state.addresses.get(peer.host, ""),
        "forwarded_port": gateway.settings.forwarded_port or gateway.leased_port(),
        "leak_attempts": observer.leak_attempts(),
    }


def _listen() -> Events | None:
    try:
        return DockerClient().events(PROJECT)
    except DockerError:
        return None


def _wait(events: Events | None, seconds: float) -> Events | None:
    """Wait for an event of Docker or the time; return the stream until it ends."""
    if events is None:
        time.sleep(seconds)
        return None
    if select.select([events], [], [], seconds)[0] and not events.drain():
        events.close()
        time.sleep(min(seconds, BUSY_S))
        return None
    return events


def main(arguments: Sequence[str], *, root: Path, lock: Path = MONITOR_LOCK) -> int:
    """Run until a signal stops it, which is logged. Returns 1 when it cannot run, or runs already."""
    argparse.ArgumentParser(
        prog="vpn-monitor",
        description="Keeps containers and tunnel of the media server running. A service: systemctl status vpn-monitor",
    ).parse_args(arguments)
    try:
        with files.locked(lock, patience=0):
            return _run(root)
    except TimeoutError:
        journal.error("vpn-monitor: another one runs already; see: systemctl status vpn-monitor")
        return 1
    except OSError as error:
        journal.error(f"vpn-monitor: {reason(error)}; it has to run as root")
        return 1


def _run(root: Path) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        monitor = Monitor.of(root)
    except GatewayError as error:
        journal.error(f"vpn-monitor: {error}")
        return 1
    except KeyboardInterrupt:
        return 0
    with contextlib.suppress(KeyboardInterrupt):
        watch(monitor)
    # A second signal must not interrupt the last log line.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    monitor.report.stopped()
    return 0
