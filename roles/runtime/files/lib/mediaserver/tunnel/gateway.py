# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the VPN gateway of this host to its configuration: files, outer barrier, reload of the containers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mediaserver._core import files
from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import DockerError, GatewayError
from mediaserver._core.names import (
    ENDPOINTS,
    HOLDER,
    KEEPER_UNIT,
    OUTER_TABLE,
    PENDING_RELOADS,
    PROJECT,
    TUNNEL,
)
from mediaserver.firewall import keeper
from mediaserver.firewall.nft import Nft
from mediaserver.programs import run
from mediaserver.tunnel import port_forwarding
from mediaserver.tunnel.configuration import Settings, State, container_files, forbidden, next_state, outer_table

# The service that reads each folder of files.
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
    """What the gateway needs of the host; tests replace it."""

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
        if run(["systemctl", "reload-or-restart", KEEPER_UNIT]).returncode != 0:
            raise GatewayError(f"{KEEPER_UNIT} could not load the outer barrier; see: journalctl --unit {KEEPER_UNIT}")

    def signal(self, service: str) -> None:
        """Make a running service read its files again; a stopped one reads them when it starts."""
        docker = DockerClient()
        try:
            found = docker.service(PROJECT, service)
        except DockerError:
            return
        if found and found["State"] == "running":
            try:
                docker.request("POST", f"/containers/{found['Id']}/kill", signal="HUP")
            except DockerError as error:
                raise GatewayError(f"service {service} did not reload its files: {error}") from error


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
        pending_reloads: Path = PENDING_RELOADS,
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
        self._pending_reloads = pending_reloads

    def outer(self, *, owned: bool = False) -> str:
        return outer_table(self.settings, self.state, owned=owned)

    def differences(self, machine: Machine) -> list[str]:
        """Name everything that is not as configured."""
        found = [f"file {path} is written" for path, text in self._wanted().items() if not self._stands(path, text)]
        if not machine.barrier_stands(self.outer()):
            found.append(f"table inet {OUTER_TABLE} is loaded")
        return [*found, *(f"container {name} reloads its files" for name in self._pending())]

    def apply(self, machine: Machine) -> list[str]:
        """Correct what differs; barriers before the tunnel. Return what was done. Raises GatewayError, OSError."""
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
        done += [f"container {name} reloads its files" for name in pending]
        reloaded = [
            name for folder, name in READERS.items() if name in pending or any(p.parent.name == folder for p in stale)
        ]
        if reloaded:  # noted first, so that the next run reloads them if this one is interrupted
            files.write(self._pending_reloads, " ".join(reloaded), mode=0o600)
        for path, text in stale.items():
            files.write(path, text, mode=0o600)
            done.append(f"file {path} is written")
        for name in reloaded:
            machine.signal(name)
        self._pending_reloads.unlink(missing_ok=True)
        return done

    def _pending(self) -> list[str]:
        """Containers that an earlier run could not reload; a reboot makes all of them read their files."""
        named = (files.read(self._pending_reloads) or "").split()
        return [name for name in READERS.values() if name in named]

    def notes(self) -> list[str]:
        """Return notes on a damaged state and on endpoints that are not used."""
        found = [f"{self.state_path} could not be read, and is replaced"] if self._lost else []
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
        """Note that the server in use is not the first of the list: one that works is kept."""
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
