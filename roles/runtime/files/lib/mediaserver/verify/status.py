# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the tunnel is up now, and if not, the most likely cause: for vpn-verify and the end of a playbook run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mediaserver._core import clock
from mediaserver.monitor import causes, monitor_state
from mediaserver.monitor.monitor_state import MonitorState
from mediaserver.monitor.observation import Observation
from mediaserver.monitor.observe import Observer, endpoint_of
from mediaserver.monitor.problems import BLOCKS_TUNNEL, HOUSEHOLD_MUST_ACT, Code, Problem
from mediaserver.tunnel import dns, mtu
from mediaserver.tunnel.gateway import Gateway, look_up, look_up_nothing

PAUSE_S = 1.0
# Observations of an offline host, in a row, after which the wait for the tunnel ends.
OFFLINE_LOOKS = 2


@dataclass(frozen=True)
class Status:
    """``problems`` begin with the cause where the tunnel is not up."""

    up: bool
    online: bool | None
    peer: str
    endpoint: str
    problems: tuple[Problem, ...]

    @property
    def must_act(self) -> bool:
        """The tunnel is down on a host that is online, because of a key, an endpoint or a setting of this host."""
        if self.up or not self.problems:
            return False
        code = self.problems[0].code
        # Where it is not known whether the host is online, only its own settings are certain.
        certain = self.online is True or (self.online is None and code in BLOCKS_TUNNEL)
        return certain and code in HOUSEHOLD_MUST_ACT

    def to_json(self) -> str:
        found = {
            "version": 1,
            "up": self.up,
            "online": self.online,
            "peer": self.peer,
            "endpoint": self.endpoint,
            "must_act": self.must_act,
            "problems": [problem.as_json() for problem in self.problems],
        }
        return json.dumps(found)


def of_host(observed: Observation) -> tuple[Problem, ...]:
    """Return what is wrong with the settings of this host."""
    off = ", ".join(observed.forwarding_off)
    text = f"IPv4 forwarding is off on this host ({off}); vpn-monitor switches it on while it runs"
    return (*((Problem(Code.FORWARDING_OFF, text),) if off else ()), *observed.obstacles)


def judge(observed: Observation, state: MonitorState, *, online: bool | None, carries: bool) -> Status:
    """Return the status by one observation of a tunnel that had time to come up. Pure."""
    host = of_host(observed)
    if observed.tunnel is not None and (observed.tunnel.answered or carries):
        dead_resolver = () if observed.tunnel.answered else (causes.of_dead_resolver(observed.resolvers),)
        return Status(True, online, observed.peer, observed.endpoint or "", (*dead_resolver, *host))
    if not observed.docker:
        cause = Problem(Code.DOCKER_SILENT, observed.trouble or "Docker does not answer")
    elif observed.tunnel is None:
        cause = Problem(Code.CONTAINER_STOPPED, "the container that holds the VPN namespace (vpn) does not run")
    else:
        cause = causes.of_dead_tunnel(
            causes.Evidence(
                online=online,
                obstacles=host,
                peer=observed.peer,
                endpoint=observed.endpoint,
                refused=observed.refused,
                interface=observed.tunnel.interface,
                handshakes=observed.tunnel.handshake_age is not None,
                trusted=state.trusted and state.asked == observed.asked,
            )
        )
    others = tuple(one for one in host if one.code != cause.code)
    return Status(False, online, observed.peer, observed.endpoint or "", (cause, *others))


def observe(
    root: Path,
    wait: float = 0.0,
    *,
    observer: Observer | None = None,
    is_online: Callable[[], bool | None] = dns.host_is_online,
) -> Status:
    """Observe until the tunnel is up or ``wait`` seconds have passed. Raises GatewayError, OSError."""
    observer = observer or Observer(root)
    deadline = time.monotonic() + wait
    offline, received = 0, None
    while True:
        gateway = Gateway(root, resolve=look_up_nothing)
        observed = observer.observe(gateway)
        tunnel = observed.tunnel
        carries = bool(tunnel and received is not None and tunnel.received is not None and tunnel.received > received)
        received = tunnel.received if tunnel and not tunnel.answered else None
        up = bool(tunnel and tunnel.answered) or carries
        online = None if up else is_online()
        offline = offline + 1 if online is False else 0
        # Observed twice, because traffic without an answer shows only after the first unanswered query.
        if up or time.monotonic() >= deadline or offline >= OFFLINE_LOOKS:
            break
        time.sleep(PAUSE_S)
    if not up and observed.endpoint == "" and online is not False:
        # Only now, because a resolver may take its time; the state file keeps no address that is refused.
        observed = replace(observed, refused=endpoint_of(Gateway(root, resolve=look_up))["refused"])
    return judge(observed, monitor_state.load(clock.now()), online=online, carries=carries)


def packet_size(root: Path, observer: Observer | None = None) -> int | None:
    """Return the largest packet that arrives, the tunnel's MTU where none is lost; None where nothing answers."""
    gateway = Gateway(root, resolve=look_up_nothing)
    settings = gateway.settings
    observer = observer or Observer(root)
    if observer.observe(gateway).tunnel is None:
        return None
    first = mtu.probe(settings.mtu, settings.resolvers, observer.inside)
    if mtu.judge(settings.mtu, [first]) in (settings.mtu, None):
        return mtu.judge(settings.mtu, [first])
    return mtu.judge(settings.mtu, [first, mtu.probe(settings.mtu, settings.resolvers, observer.inside)])


def report(root: Path, wait: float) -> str:
    """Return the whole as JSON, for the end of a playbook run."""
    observer = Observer(root)
    found = observe(root, wait, observer=observer)
    if found.up:
        settings = Gateway(root, resolve=look_up_nothing).settings
        works = packet_size(root, observer)
        if works is not None and works != settings.mtu:
            lost = mtu.problem(settings.mtu, works)
            found = Status(True, found.online, found.peer, found.endpoint, (*found.problems, lost))
    return found.to_json()
