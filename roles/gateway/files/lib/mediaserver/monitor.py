# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn-monitor: looks, decides, does one step, says so, and waits for Docker's next event or the next tick."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mediaserver import docker, files, forward, hold, natpmp
from mediaserver.decide import HOLDER, TUNNEL, Act, Memory, Seen, Step, Verdict, decide
from mediaserver.gateway import LOCK, Gateway, Host, look_up, look_up_nothing
from mediaserver.tunnel import GatewayError, Settings, State, active_peer, failed_over, resolved_again
from mediaserver.watch import PROJECT, Watch, now

STATE = Path("/run/mediaserver/vpn.json")
# Seconds between looks: when all is well, and while something is being put right.
CALM_S, BUSY_S = 5.0, 1.0
DOCKER_UNIT = "docker.service"
STEP_TIMEOUT_S = 180
LOG_LINES = 3
TRANSMISSION = "transmission"
# From the word to ask its trackers to the look at what they have answered.
SWARM_PATIENCE_S = 20.0
# Steps that are one request to Docker for each target.
CONTAINER_VERBS: dict[Act, tuple[str, dict[str, str]]] = {
    Act.START: ("start", {}),
    Act.UNPAUSE: ("unpause", {}),
    # Cut off from the network, Transmission would spend a minute on saying farewell; what it keeps is written first.
    Act.RESTART: ("restart", {"t": "10"}),
    Act.RESTART_TUNNEL: ("restart", {"t": "2"}),
}


def run(*command: str) -> None:
    """Run a repair. Raises GatewayError with the last lines that it printed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=STEP_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise GatewayError(f"{' '.join(command)} has not ended after {STEP_TIMEOUT_S} s") from error
    if done.returncode != 0:
        said = " ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-LOG_LINES:])
        raise GatewayError(f"{' '.join(command)} failed: {said}")


@dataclass(frozen=True)
class Hands:
    """Does the steps."""

    root: Path

    def do(self, step: Step) -> None:
        """Raises GatewayError, DockerError, OSError; the step is tried again later then."""
        if step.act in CONTAINER_VERBS:
            path, query = CONTAINER_VERBS[step.act]
            for name in step.targets or (TUNNEL,):
                docker.request("POST", f"/containers/{name}/{path}", timeout=STEP_TIMEOUT_S, **query)
            return
        {
            Act.LOAD_BARRIER: lambda: Host().reload_barrier(),
            Act.RESTART_DOCKER: lambda: run("systemctl", "restart", DOCKER_UNIT),
            # What runs is left alone, the holder above all; Ansible makes containers anew.
            Act.BRING_UP: lambda: self._compose("--remove-orphans", "--no-recreate"),
            Act.RECREATE: lambda: self._compose("--force-recreate", "--no-deps", *step.targets),
            Act.RELOAD_HOLDER: self._reload_holder,
            Act.RESOLVE: self._resolve,
            Act.FAIL_OVER: lambda: self._change(failed_over),
        }[step.act]()

    @staticmethod
    def _reload_holder() -> None:
        Host().signal(HOLDER)
        # Whoever changed the namespace's routes has mostly taken the tunnel's away, too.
        Host().signal(TUNNEL)

    def _resolve(self) -> None:
        self._change(lambda settings, state: resolved_again(settings, state, look_up))
        # In any case: its routes may be what is wrong.
        Host().signal(TUNNEL)

    def _compose(self, *arguments: str) -> None:
        folder = ("--project-directory", str(self.root))
        run("docker", "compose", *folder, "up", "--detach", "--pull", "never", "--no-build", *arguments)

    def apply(self) -> None:
        """Bring files, barrier and containers in line with what is known."""
        with files.locked(LOCK):
            Gateway(self.root, resolve=look_up_nothing).apply(Host())

    def _change(self, change: Callable[[Settings, State], State]) -> None:
        with files.locked(LOCK):
            Gateway(self.root, resolve=look_up, change=change).apply(Host())


@dataclass
class Report:
    """Tells people and programs: lines in the journal when something changes, and the state file."""

    path: Path = STATE
    _said: dict[str, object] = field(default_factory=dict)
    _steps: int = 0
    _last_step: dict[str, object] | None = None

    def step(self, step: Step) -> None:
        self._steps += 1
        self._last_step = {"at": _stamp(), "act": str(step.act), "targets": list(step.targets), "why": step.why}
        print(step, flush=True)

    def failure(self, error: Exception) -> None:
        print(f"that did not work, it is tried again: {error}", flush=True)

    def look(self, state: str, **facts: object) -> None:
        """Write the state file when anything in it has changed, and a line when the state or a problem has."""
        told = {"state": state, "problems": facts["problems"]}
        if told != {key: self._said.get(key) for key in told}:
            problems = facts["problems"]
            words = "; ".join(problems) if isinstance(problems, (list, tuple)) else ""
            print(f"{state}{': ' if words else ''}{words}", flush=True)
        current = {"version": 1, "state": state, **facts, "steps": self._steps, "last_step": self._last_step}
        if {**current, "since": None} != {**self._said, "since": None}:
            same = self._said.get("state") == state
            current["since"] = self._said["since"] if same else _stamp()
            files.write(self.path, json.dumps(current, indent=2) + "\n", mode=0o644)
            self._said = current


def transmission(root: Path) -> forward.Transmission:
    """Raises OSError, ValueError, KeyError."""
    return forward.Transmission.from_file(root / "gateway" / "transmission.json")


@dataclass
class Swarm:
    """Brings the torrents back to their swarms when the tunnel is back.

    Transmission itself waits up to two hours after announcements that failed, and a quarter of an hour for peers that
    it could not reach twice. It asks trackers earlier when told to, but not those that have not answered since its
    start (tried with 4.1.0), and peers not at all: then only a new start helps.
    """

    root: Path
    hands: Hands
    _due: bool = False
    _judged_at: float | None = None

    def tend(self, now: float, *, alive: bool) -> None:
        if not alive:
            self._due, self._judged_at = True, None
            return
        try:
            if self._due:
                transmission(self.root).announce()
                self._due, self._judged_at = False, now + SWARM_PATIENCE_S
                print("Transmission asks its trackers again", flush=True)
            elif self._judged_at is not None and now >= self._judged_at:
                # Once for each time that the tunnel was away: a swarm may as well be dead.
                deserted, self._judged_at = transmission(self.root).is_deserted(), None
                if deserted:
                    self.hands.do(Step(Act.RESTART, "Transmission has lost its swarm", (TRANSMISSION,)))
                    print("Transmission starts anew, because nobody of its swarm is connected", flush=True)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, docker.DockerError):
            return  # it may be starting; the next look tries again


@dataclass
class Port:
    """The forwarded port, where the household asks its provider for one."""

    root: Path
    hands: Hands
    _forwarding: forward.Forwarding | None = None
    _complaint: str = ""

    def tend(self, tunnel: Callable[[], socket.socket] | None) -> None:
        """Keep the lease while there is a tunnel, and close the port when it ends. Says what is new, once."""
        settings = Gateway(self.root, resolve=look_up_nothing).settings
        if not settings.natpmp_server:
            return
        if self._forwarding is None or self._forwarding.server != settings.natpmp_server:
            self._forwarding = forward.Forwarding(
                settings.natpmp_server, settings.ui_ports, lambda: transmission(self.root), self.hands.apply
            )
        try:
            said = self._forwarding.tend(tunnel, now()) if tunnel else self._forwarding.expire(now())
            self._complaint = ""
        except (natpmp.NatPmpError, GatewayError, OSError, ValueError, KeyError) as error:
            said = f"no port is forwarded: {error}" if str(error) != self._complaint else None
            self._complaint = str(error)
        if said:
            print(said, flush=True)


def state_of(seen: Seen, verdict: Verdict) -> str:
    """One word for the whole: held, offline, healing, waiting or online."""
    if seen.held:
        return "held"
    if seen.online is False:
        return "offline"
    if verdict.problems:
        return "healing"
    return "online" if verdict.tunnel_alive else "waiting"


def watch(root: Path) -> None:
    """Run forever. What goes wrong in one round is said, and the next round comes."""
    eyes, hands, report, memory = Watch(root), Hands(root), Report(), Memory()
    forwarding, swarm = Port(root, hands), Swarm(root, hands)
    events: docker.Events | None = None
    believed: hold.Hold | None = None
    while True:
        pause = BUSY_S
        try:
            believed = _tell_hold(believed)
            events = events or _listen()
            seen = eyes.look()
            verdict = decide(seen, memory, now())
            if seen.tunnel and not verdict.tunnel_alive:
                # Asked only now, because at rest the house's own resolvers are not bothered.
                seen = replace(seen, online=eyes.house_is_online())
                verdict = decide(seen, memory, now())
            memory = verdict.memory
            if not seen.held:
                # Not while answers fail to come: a look must not wait for a provider that may be gone.
                forwarding.tend(eyes.tunnel_socket if verdict.tunnel_alive and not memory.unanswered else None)
                swarm.tend(now(), alive=verdict.tunnel_alive)
            report.look(state_of(seen, verdict), **_facts(root, eyes, verdict))
            if verdict.step:
                report.step(verdict.step)
                hands.do(verdict.step)
            elif not (verdict.problems or memory.unanswered):
                pause = CALM_S
        except (GatewayError, docker.DockerError, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
            report.failure(error)
            pause = CALM_S
        events = _wait(events, pause)


def _facts(root: Path, eyes: Watch, verdict: Verdict) -> dict[str, object]:
    gateway = Gateway(root, resolve=look_up_nothing)
    peer = active_peer(gateway.settings, gateway.state)
    return {
        "problems": list(verdict.problems),
        "peer": peer.name,
        "endpoint": gateway.state.addresses.get(peer.host, ""),
        "forwarded_port": gateway.settings.forwarded_port or gateway.leased_port(),
        "leak_attempts": eyes.leak_attempts(),
    }


def _tell_hold(before: hold.Hold | None) -> hold.Hold | None:
    """Say once when a hold begins, ends, or is not believed."""
    found = hold.look(now())
    if _heard_as(found) != _heard_as(before):
        print(f"hold {found.why}" if found else "no hold any more", flush=True)
    return found


def _heard_as(found: hold.Hold | None) -> str:
    """What makes two looks at a hold the same news; the seconds that a valid one has left do not."""
    if found is None:
        return ""
    return "valid" if found.valid else found.why


def _listen() -> docker.Events | None:
    try:
        return docker.Events(PROJECT)
    except docker.DockerError:
        return None


def _wait(events: docker.Events | None, seconds: float) -> docker.Events | None:
    """Wait for an event of Docker's or the time; return the stream as long as it goes on."""
    if events is None:
        time.sleep(seconds)
        return None
    if select.select([events], [], [], seconds)[0] and not events.drain():
        events.close()
        time.sleep(min(seconds, BUSY_S))
        return None
    return events


def _stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def main(root: Path) -> int:
    """Watch until told to stop. Returns 1 when what it needs is missing."""
    try:
        watch(root)
    except GatewayError as error:
        print(f"vpn-monitor: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0
