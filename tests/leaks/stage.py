# SPDX-License-Identifier: GPL-3.0-or-later
"""The household of the lab, as the leak test handles it: commands on the Pi, its network, and whether it is well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import demo
import houses
import playbook
import prober
import services
import topology
from engine import LabError, docker, in_namespaces
from sightings import KNOCKED, STRANGER

HERE = Path(__file__).parent
PATIENCE_S = 300
# What a fresh start of the tunnel takes at most.
RESTART_S = 20
KNOCK_PAUSE_S = 0.5
# Who lives in the holder's namespace.
RESIDENTS = services.names(*services.IN_VPN)
# Their first three numbers.
VPN_NETWORK, CONTROL_NETWORK = (network.removesuffix("0/24") for network in (topology.VPN, topology.CONTROL))
VPN_GATEWAY = f"{VPN_NETWORK}1"
# Where IPv6 is let in for a while: the VPN's bridge, a neighbour on the house's LAN, and the control's network.
VPN_GATEWAY_IPV6, LAN_IPV6 = "fd00:66::1", "fd00:67::1"
CONTROL_IPV6, CONTROL_GATEWAY_IPV6 = "fd00:68::/64", "fd00:68::1"
# Before a command on the Pi, to have it in the VPN namespace.
INSIDE = "nsenter --net=/proc/$(docker inspect --format '{{.State.Pid}}' mediaserver-vpn-1)/ns/net"
UNIT = """[Unit]
Description=Tries every way out of the containers, for the leak test
DefaultDependencies=no
After=local-fs.target

[Service]
ExecStart=/usr/bin/python3 /opt/leak-prober/prober.py /opt/leak-prober/where.json
Restart=always
RestartSec=1

[Install]
WantedBy=sysinit.target
"""


@dataclass
class Stage:
    """One household of the lab with the prober on its Pi."""

    house: topology.House
    inventory: str
    environment: dict[str, str] = field(default_factory=dict)  # of Ansible's runs
    programs: tuple[str, ...] = ()  # the prober is where one of these runs; by default, wherever a container is

    @property
    def household(self) -> dict[str, Any]:
        text = (houses.FOLDER / f"household{self.house.number}.json").read_text(encoding="utf-8")
        return dict(json.loads(text))

    def pi(self, command: str, *, stdin: str | None = None) -> str:
        """Run a shell command on the Pi. Raises LabError when it fails."""
        return in_namespaces(f"{self.house.name}-pi", "sh", "-c", command, stdin=stdin)

    def inside(self, command: str) -> str:
        """Run a command of the Pi's in the VPN namespace."""
        return self.pi(f"{INSIDE} {command}")

    def router(self, command: str, *, stdin: str | None = None) -> str:
        return docker("exec", "--interactive", f"{self.house.name}-router", "sh", "-c", command, stdin=stdin)

    @property
    def _of_this_house(self) -> tuple[str, str]:
        return "--extra-vars", f"demo_house={self.house.number}"

    def converge(self, *extra: str) -> playbook.Run:
        result = playbook.run(self.inventory, *self._of_this_house, *extra, env=self.environment)
        assert result.ok, result.failures
        return result

    @contextmanager
    def converging(self, *extra: str) -> Iterator[None]:
        """Have a run going on, which is killed at the end; the task that is on its way then ends by itself."""
        with subprocess.Popen(
            playbook.command(self.inventory, *self._of_this_house, *extra),
            cwd=playbook.ROOT,
            env=playbook.environment(self.environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as run:
            try:
                yield
            finally:
                os.killpg(run.pid, signal.SIGKILL)

    # The prober

    def install_prober(self) -> None:
        where = {
            "target": topology.INTERNET_HOST,
            "resolver": topology.RESOLVER,
            "laptop": self.house.laptop,
            "pi": self.house.pi,
            "endpoint": topology.PROVIDERS[0].address,
            "target6": LAN_IPV6,
            "networks": {
                network: {"gateway": f"{network}1", "gateway6": gateway6}
                for network, gateway6 in ((VPN_NETWORK, VPN_GATEWAY_IPV6), (CONTROL_NETWORK, CONTROL_GATEWAY_IPV6))
            },
            "programs": self.programs,
        }
        programs = {name: (HERE / name).read_text(encoding="utf-8") for name in ("prober.py", "probes.py")}
        for path, text in (
            *((f"/opt/leak-prober/{name}", text) for name, text in programs.items()),
            ("/opt/leak-prober/where.json", json.dumps(where)),
            ("/etc/systemd/system/leak-prober.service", UNIT),
        ):
            self.pi(f"mkdir -p {Path(path).parent} && cat > {path}", stdin=text)
        self.pi("systemctl daemon-reload && systemctl enable --quiet leak-prober && systemctl restart leak-prober")

    def remove_prober(self) -> None:
        self.pi("systemctl disable --quiet --now leak-prober; rm -rf /opt/leak-prober /var/lib/leak-prober")
        self.pi("rm -f /etc/systemd/system/leak-prober.service; systemctl daemon-reload")
        with suppress(LabError):  # a namespace that the prober has not met has not got its rule
            self.inside(" ".join((*prober.RULES, "delete", *prober.BY_THE_DEVICE)))

    @contextmanager
    def hushed(self) -> Iterator[None]:
        """Have the prober rest. What it had open ends while there is a way still, so that nobody goes on asking."""
        self.pi("systemctl stop leak-prober")
        yield
        # What the resolver still has open for Docker's resolver would be heard of for minutes.
        docker("exec", f"{topology.PREFIX}-internet", "ss", "--kill", "src", topology.RESOLVER)
        self.pi("systemctl start leak-prober")

    def forget(self) -> None:
        self.pi("rm -f /var/lib/leak-prober/heard /var/lib/leak-prober/rounds")

    def tried(self, since: float) -> set[str]:
        """The namespaces in which all was tried in a round that was begun later, by this machine's clock.

        It is the Pi's, too: a container has no other, and a reboot of the lab's Pi does not set it back.
        """
        rounds = (row.split("@") for row in self._noted("rounds"))
        return {namespace for namespace, begun in rounds if float(begun) > since}

    def namespace(self) -> str:
        """The number of the namespace that the services live in now."""
        return self.inside("readlink /proc/self/ns/net").strip().removeprefix("net:[").removesuffix("]")

    def heard(self) -> list[str]:
        return self._noted("heard")

    def _noted(self, file: str) -> list[str]:
        return self.pi(f"cat /var/lib/leak-prober/{file} 2>/dev/null || true").split()

    def knock(self) -> None:
        """Open the user interfaces from an address that is in no LAN of ours."""
        curl = f"curl --silent --max-time 2 --interface {STRANGER} --output /dev/null"
        ask = " ".join(f"{curl} http://{self.house.pi}:{page}/ &" for page in KNOCKED)
        be = f"ip address replace {STRANGER}/32 dev eth0"
        docker("exec", f"{self.house.name}-laptop", "sh", "-c", f"{be} || exit; {ask} wait")

    @contextmanager
    def knocking(self) -> Iterator[None]:
        """Have the stranger knock all the while. Raises LabError when he could not."""
        over = threading.Event()

        def knock() -> None:
            while not over.wait(KNOCK_PAUSE_S):
                self.knock()

        with ThreadPoolExecutor() as pool:
            knocks = pool.submit(knock)
            try:
                yield
            finally:
                over.set()
            knocks.result()

    # Whether the household is well

    def monitor_pid(self) -> str:
        return self.pi("systemctl show --property MainPID --value vpn-monitor").strip()

    def told(self) -> dict[str, Any]:
        """What vpn-monitor says of itself."""
        return dict(json.loads(self.pi("cat /run/mediaserver/vpn.json")))

    def problems(self) -> list[str]:
        """Name what is not as it should be; empty when everything works and nobody is stranded."""
        pid = "docker inspect --format '{{.State.Pid}}' mediaserver-$c-1"
        page = f"http://{topology.INTERNET_HOST}/"
        look = (
            "docker ps --all --filter label=com.docker.compose.project=mediaserver"
            " --format '{{.Label \"com.docker.compose.service\"}} {{.State}}';"
            f" for c in {' '.join(RESIDENTS)}; do"
            f" echo namespace $(readlink /proc/$({pid})/ns/net); done;"
            f" echo exit $(docker exec mediaserver-transmission-1 curl --silent --max-time 2 {page})"
        )
        try:
            rows = [row.split() for row in self.pi(look).splitlines()]
        except LabError as error:
            return [str(error)]
        states = {row[0]: row[1] for row in rows if len(row) == 2 and row[0] not in ("namespace", "exit")}
        homes = {row[1] for row in rows if row[0] == "namespace" and len(row) == 2}
        exits = [row[1] for row in rows if row[0] == "exit" and len(row) == 2]
        found = [f"{name} is {states.get(name, 'missing')}" for name in services.names()
                 if states.get(name) != "running"]  # fmt: skip
        if len(homes) != 1:
            found.append(f"namespaces differ: {sorted(homes)}")
        if not exits or exits[0] not in [provider.address for provider in topology.PROVIDERS]:
            found.append(f"the tunnel does not carry: {exits}")
        try:
            demo.rpc(self.household, "session-get", {"fields": ["version"]})
        except (LabError, demo.DemoError, ValueError) as error:
            found.append(f"the laptop gets no answer from Transmission: {error}")
        for name, port in (("Jackett", 9117), ("Jellyfin", 8096)):
            page = f"http://{self.house.pi}:{port}/health"
            ask = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--max-time", "3", page]
            try:
                answer = docker("exec", f"{self.house.name}-laptop", *ask)
            except LabError as error:
                answer = str(error)
            if answer != "200":
                found.append(f"the laptop gets no answer from {name}: {answer}")
        return found

    def wait_until_well(self, patience: float = PATIENCE_S) -> float:
        """Return the seconds it took. Raises AssertionError with what is still wrong."""
        begun = time.monotonic()
        while problems := self.problems():
            assert time.monotonic() - begun < patience, f"not well after {patience} s: {problems}"
            time.sleep(0.2)
        return time.monotonic() - begun

    def wait_until_only_the_tunnel_is_missing(self) -> None:
        """Once is enough: vpn-monitor may just be trying its luck with a fresh start of the tunnel's container."""
        begun = time.monotonic()
        found = self.problems()
        while any("tunnel" not in problem for problem in found):
            assert time.monotonic() - begun < RESTART_S, found
            time.sleep(1)
            found = self.problems()
        assert found, "the endpoint was not dead"

    def rpc(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call Transmission, which vpn-monitor may just be restarting."""
        begun = time.monotonic()
        while True:
            try:
                return demo.rpc(self.household, method, arguments)
            except (LabError, demo.DemoError, ValueError) as error:
                assert time.monotonic() - begun < PATIENCE_S, f"Transmission does not answer: {error}"
            time.sleep(0.5)
