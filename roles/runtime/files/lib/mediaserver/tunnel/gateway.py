# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the VPN gateway on this host to what is configured: files, outer barrier, and word to the containers."""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from mediaserver._core import clock, files
from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import DockerError, GatewayError, reason
from mediaserver._core.names import (
    ENDPOINTS,
    GATEWAY_LOCK,
    HOLDER,
    KEEPER_UNIT,
    MONITOR_UNIT,
    OUTER_TABLE,
    PROJECT,
    TUNNEL,
    UNTOLD,
)
from mediaserver.firewall import keeper
from mediaserver.firewall.nft import Nft
from mediaserver.monitor import hold, host_settings
from mediaserver.programs import Programs
from mediaserver.tunnel import port_forwarding
from mediaserver.tunnel.configuration import Settings, State, container_files, forbidden, next_state, outer_table

PROGRAMS = Programs(KEEPER_UNIT, MONITOR_UNIT)
COMMAND_TIMEOUT_S = 60
# Who reads each folder of files, and whom nobody could tell yet that they are new; a reboot makes all of them read.
READERS = {"holder": HOLDER, "tunnel": TUNNEL}
Resolve = Callable[[str], str | None]


def look_up(host: str) -> str | None:
    """Return an IPv4 address of ``host``, or None when it cannot be resolved now."""
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0])
    except OSError:
        return None


def look_up_nothing(host: str) -> str | None:
    """For a boot: nothing may wait for a resolver."""
    del host
    return None


class Machine(Protocol):
    """What the gateway needs of the host."""

    def barrier_stands(self, table: str) -> bool: ...

    def reload_barrier(self) -> None: ...

    def signal(self, service: str) -> None: ...


class Host:
    """The host itself."""

    def __init__(self, nft: Nft | None = None) -> None:
        self._nft = nft or Nft()

    def barrier_stands(self, table: str) -> bool:
        return keeper.stands(self._nft, table)

    def reload_barrier(self) -> None:
        """Have the keeper read the configuration again. Raises GatewayError; the old table then stands."""
        if _run(["systemctl", "reload-or-restart", KEEPER_UNIT]).returncode != 0:
            raise GatewayError(f"{KEEPER_UNIT} could not load the outer barrier; see: journalctl --unit {KEEPER_UNIT}")

    def signal(self, service: str) -> None:
        """Ask a running service to read its files again; one that is not there will read them when it starts."""
        docker = DockerClient()
        try:
            found = docker.service(PROJECT, service)
        except DockerError:
            return
        if found and found["State"] == "running":
            try:
                docker.request("POST", f"/containers/{found['Id']}/kill", signal="HUP")
            except DockerError as error:
                raise GatewayError(f"service {service} could not be told to reload: {error}") from error


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise GatewayError(f"{' '.join(command)} has not answered within {COMMAND_TIMEOUT_S} s") from error


class Gateway:
    """The gateway below one project folder (``/opt/mediaserver``).

    ``change`` makes the state that is wanted of the settings and the state that is known; by default names that are
    new are resolved and everything else stays.
    """

    def __init__(
        self,
        root: Path,
        *,
        resolve: Resolve = look_up,
        change: Callable[[Settings, State], State] | None = None,
        state: Path = ENDPOINTS,
        untold: Path = UNTOLD,
    ) -> None:
        self.folder = root / "gateway"
        text = files.read(self.folder / "gateway.json")
        if text is None:
            raise GatewayError(f"{self.folder}/gateway.json is missing; run the playbook again")
        self.settings = Settings.from_json(text)
        known = State.from_json(files.read(state))
        self._lost = known.lost
        self.state = next_state(self.settings, change(self.settings, known) if change else known, resolve)
        self.state_path = state
        self._untold = untold

    def outer(self, *, owned: bool = False) -> str:
        return outer_table(self.settings, self.state, owned=owned)

    def differences(self, machine: Machine) -> list[str]:
        """Name everything that is not as configured, in plain words."""
        found = [f"file {path} is written" for path, text in self._wanted().items() if not self._stands(path, text)]
        if not machine.barrier_stands(self.outer()):
            found.append(f"table inet {OUTER_TABLE} is loaded")
        return [*found, *(f"container {name} is told to read its files" for name in self._pending())]

    def apply(self, machine: Machine) -> list[str]:
        """Put right what differs; barriers before the tunnel. Return what was done. Raises GatewayError, OSError."""
        done = []
        stale = {path: text for path, text in self._wanted().items() if not self._stands(path, text)}
        # The keeper of the outer barrier reads the state, so it comes first.
        if self.state_path in stale:
            files.write(self.state_path, stale.pop(self.state_path), mode=0o600)
            done.append(f"file {self.state_path} is written")
        if not machine.barrier_stands(self.outer()):
            machine.reload_barrier()
            done.append(f"table inet {OUTER_TABLE} is loaded")
        pending = self._pending()
        done += [f"container {name} is told to read its files" for name in pending]
        told = [
            name for folder, name in READERS.items() if name in pending or any(p.parent.name == folder for p in stale)
        ]
        if told:  # noted first: whatever ends this run, the next one knows
            files.write(self._untold, " ".join(told), mode=0o600)
        for path, text in stale.items():
            files.write(path, text, mode=0o600)
            done.append(f"file {path} is written")
        for name in told:
            machine.signal(name)
        self._untold.unlink(missing_ok=True)
        return done

    def _pending(self) -> list[str]:
        """Containers that an earlier run could not tell."""
        named = (files.read(self._untold) or "").split()
        return [name for name in READERS.values() if name in named]

    def notes(self) -> list[str]:
        """What a person should know of the state and of endpoints that are not used."""
        found = [f"{self.state_path} could not be read, and is made anew"] if self._lost else []
        for peer in self.settings.peers:
            address = self.state.rejected.get(peer.host)
            if address:
                reason = f"its address {address} is {forbidden(self.settings, address)}"
                older = self.state.addresses.get(peer.host)
                use = f"used at its older address {older}" if older else "not used as endpoint"
                found.append(f"{peer.host} is {use}: {reason}")
            elif peer.host not in self.state.addresses:
                found.append(f"{peer.host} cannot be resolved now; vpn-monitor tries again")
        return found

    def order_note(self) -> list[str]:
        """Say that the server in use is not the first of the list; whatever works is kept."""
        first, active = self.settings.peers[0].name, self.state.active
        if active == first:
            return []
        return [
            f"the tunnel stays with {active}, which is in use; {first}, first in the list, is tried when that fails"
        ]

    def _wanted(self) -> dict[Path, str]:
        key = files.read(self.folder / "private.key")
        if key is None:
            raise GatewayError(f"{self.folder}/private.key is missing; run the playbook again")
        contents = container_files(self.settings, self.state, key.strip(), self.leased_port())
        run = self.folder / "run"
        return {run / path: text for path, text in contents.items()} | {self.state_path: self.state.to_json()}

    def leased_port(self) -> int:
        """Return the port that the provider forwards on request now; 0 for none, or where none is asked for."""
        return port_forwarding.leased_port() if self.settings.natpmp_server else 0

    @staticmethod
    def _stands(path: Path, text: str) -> bool:
        return files.matches(path, text, mode=0o600)


def release(*, dry_run: bool) -> list[str]:
    """End the hold and have the monitor run; return what was started. Raises GatewayError."""
    if not dry_run:
        hold.release()
    if _run(["systemctl", "is-active", "--quiet", MONITOR_UNIT]).returncode == 0:
        return []
    if not dry_run and _run(["systemctl", "start", MONITOR_UNIT]).returncode != 0:
        raise GatewayError(f"{MONITOR_UNIT} does not start; see: journalctl --unit {MONITOR_UNIT}")
    return [f"{MONITOR_UNIT} is started"]


def render_at_boot(root: Path) -> Callable[[bool], str]:
    """Return what renders the outer table from the files as they are, without asking anybody."""
    gateway = Gateway(root, resolve=look_up_nothing)
    return lambda owned: gateway.outer(owned=owned)


def main(arguments: Sequence[str], *, root: Path) -> int:
    parser = argparse.ArgumentParser(prog="vpn-gateway", description="Keeps the VPN gateway as configured.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("barrier", help="have the outer barrier stand (before Docker starts; resolves nothing)")
    commands.add_parser("keep", help="own the outer barrier, so that nobody else can change it, and stay")
    plan = commands.add_parser("plan", help="print what is not as configured, change nothing")
    apply = commands.add_parser("apply", help="put right what is not as configured, and print it")
    apply.add_argument("--hold", type=float, metavar="SECONDS", help="pause vpn-monitor meanwhile and after")
    for command in (plan, apply):
        command.add_argument("--program", metavar="DIGEST", help="restart programs that were not started as this one")
        command.add_argument("--restart", action="store_true", help="with --program, restart them in any case")
    take = commands.add_parser("hold", help="pause vpn-monitor for a while, in place of an earlier hold")
    take.add_argument("seconds", type=float, metavar="SECONDS")
    let_go = commands.add_parser("release", help="let vpn-monitor go on, and start it where it does not run")
    let_go.add_argument("--dry-run", action="store_true", help="print what would be started, change nothing")
    report = commands.add_parser("report", help="print whether the tunnel is up, as JSON, and the likely cause if not")
    report.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="for a tunnel that is not up yet")
    chosen = parser.parse_args(arguments)
    try:
        _do(chosen, root)
    except (GatewayError, OSError, ValueError) as error:
        print(f"vpn-gateway: {reason(error)}", file=sys.stderr)
        return 1
    return 0


def _do(chosen: argparse.Namespace, root: Path) -> None:
    if chosen.command in ("barrier", "keep"):
        (keeper.raise_barrier if chosen.command == "barrier" else keeper.keep)(render_at_boot(root))
        return
    if chosen.command == "hold":
        _hold(chosen.seconds)
        return
    if chosen.command == "report":
        from mediaserver.verify import status  # noqa: PLC0415  (it imports this module)

        print(status.report(root, chosen.wait))
        return
    if chosen.command == "release":
        lines = release(dry_run=chosen.dry_run)
    elif chosen.command == "plan":
        lines = [
            *_forwarding(),
            *Gateway(root).differences(Host()),
            *PROGRAMS.plan(chosen.program, anyway=chosen.restart),
        ]
    else:
        if chosen.hold:
            _hold(chosen.hold)
        lines = _apply(chosen, root)
    for line in lines:
        print(line)


def _apply(chosen: argparse.Namespace, root: Path) -> list[str]:
    def renew(unit: str) -> list[str]:
        # Not without the digest: at a boot, systemd itself is at work on these units.
        return PROGRAMS.renew(unit, chosen.program, anyway=chosen.restart) if chosen.program else []

    # vpn-monitor takes the same lock before it judges the barrier, so it does not see the keeper's restart.
    with files.locked(GATEWAY_LOCK):
        lines = renew(KEEPER_UNIT)
        gateway = Gateway(root)
        lines += [*_forwarding(), *gateway.apply(Host())]
        host_settings.switch_on_forwarding()
    for note in [*gateway.order_note(), *gateway.notes()]:
        print(f"vpn-gateway: {note}", file=sys.stderr)
    return lines + renew(MONITOR_UNIT)


def _forwarding() -> list[str]:
    return [f"{name} is switched on" for name in host_settings.forwarding_off()]


def _hold(seconds: float) -> None:
    hold.take("ansible", seconds, clock.now())
