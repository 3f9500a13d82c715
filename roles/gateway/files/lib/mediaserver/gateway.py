# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the VPN gateway on this host to what is configured: files, outer barrier, and word to the containers."""

from __future__ import annotations

import argparse
import hashlib
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mediaserver import barrier, files
from mediaserver.tunnel import GatewayError, Settings, State, container_files, next_state, outer_table

STATE = Path("/var/lib/mediaserver/vpn/endpoints.json")
LOADED = Path("/run/mediaserver/barrier.json")


def look_up(host: str) -> str | None:
    """Return an IPv4 address of ``host``, or None when it cannot be resolved now."""
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0])
    except OSError:
        return None


def run(command: Sequence[str], *, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def loaded_table() -> str | None:
    """Return the outer table's fingerprint as the kernel has it now, or None when it is not there."""
    listing = run(["nft", "list", "table", "inet", barrier.OUTER_TABLE])
    return barrier.fingerprint(listing.stdout) if listing.returncode == 0 else None


def barrier_stands(table: str) -> bool:
    """Say whether the kernel's outer table is the one that was loaded from exactly this text."""
    try:
        noted = json.loads(files.read(LOADED) or "{}")
    except ValueError:
        return False
    found = loaded_table()
    return found is not None and noted == {"text": _digest(table), "fingerprint": found}


def load_barrier(table: str) -> None:
    """Load the outer table in one transaction and note how the kernel lists it. Raises GatewayError."""
    loading = run(["nft", "-f", "-"], stdin=table)
    if loading.returncode != 0:
        raise GatewayError(f"the outer barrier could not be loaded, so Docker must not start: {loading.stderr.strip()}")
    found = loaded_table()
    if found is None:
        raise GatewayError("the outer barrier vanished right after it was loaded, so Docker must not start")
    files.write(LOADED, json.dumps({"text": _digest(table), "fingerprint": found}) + "\n", mode=0o600)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _signal(container: str) -> None:
    """Ask a running container to read its files again; one that is not there will read them when it starts."""
    if run(["docker", "inspect", "--format", "{{.State.Running}}", container]).stdout.strip() == "true":
        asked = run(["docker", "kill", "--signal", "HUP", container])
        if asked.returncode != 0:
            raise GatewayError(f"container {container} could not be told to reload: {asked.stderr.strip()}")


class Gateway:
    """The gateway below one project folder (``/opt/mediaserver``)."""

    def __init__(self, root: Path, *, resolve: Callable[[str], str | None] = look_up) -> None:
        self.folder = root / "gateway"
        text = files.read(self.folder / "gateway.json")
        if text is None:
            raise GatewayError(f"{self.folder}/gateway.json is missing; run the playbook again")
        self.settings = Settings.from_json(text)
        self.known = State.from_json(files.read(STATE))
        self.state = next_state(self.settings, self.known, resolve)
        self.outer = outer_table(self.settings, self.state)

    def differences(self) -> list[str]:
        """Name everything that is not as configured, in plain words."""
        found = [f"file {path} is written" for path, text in self._wanted().items() if not self._stands(path, text)]
        if not barrier_stands(self.outer):
            found.append(f"table inet {barrier.OUTER_TABLE} is loaded")
        return found

    def apply(self) -> list[str]:
        """Put right what differs; barriers before the tunnel. Return what was done."""
        done = []
        if not barrier_stands(self.outer):
            load_barrier(self.outer)
            done.append(f"table inet {barrier.OUTER_TABLE} is loaded")
        stale = {path: text for path, text in self._wanted().items() if not self._stands(path, text)}
        for path, text in stale.items():
            files.write(path, text, mode=0o600)
            done.append(f"file {path} is written")
        for folder, container in (("holder", "vpn"), ("tunnel", "wireguard")):
            changed = [path for path in stale if path.parent.name == folder]
            try:
                if changed:
                    _signal(container)
            except GatewayError:
                for path in changed:  # so that the next run finds them missing, and asks again
                    path.unlink()
                raise
        return done

    def _wanted(self) -> dict[Path, str]:
        key = files.read(self.folder / "private.key")
        if key is None:
            raise GatewayError(f"{self.folder}/private.key is missing; run the playbook again")
        contents = container_files(self.settings, self.state, key.strip())
        return {self.folder / "run" / path: text for path, text in contents.items()} | {STATE: self.state.to_json()}

    @staticmethod
    def _stands(path: Path, text: str) -> bool:
        return files.stands(path, text, mode=0o600)


def main(arguments: Sequence[str], *, root: Path) -> int:
    parser = argparse.ArgumentParser(prog="vpn-gateway", description="Keeps the VPN gateway as configured.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("barrier", help="load the outer barrier (done before Docker starts; resolves nothing)")
    commands.add_parser("plan", help="print what is not as configured, change nothing")
    commands.add_parser("apply", help="put right what is not as configured, and print it")
    command = parser.parse_args(arguments).command
    try:
        if command == "barrier":
            load_barrier(Gateway(root, resolve=lambda host: None).outer)
            return 0
        gateway = Gateway(root)
        for line in gateway.differences() if command == "plan" else gateway.apply():
            print(line)
        return 0
    except (GatewayError, OSError, ValueError) as error:
        print(f"vpn-gateway: {error}", file=sys.stderr)
        return 1
