# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls a household of the lab for the leak test: commands on the Pi, playbook runs, the prober, health."""

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
import households
import playbook
import prober
import services
import topology
from capture_analysis import OUTSIDE_CLIENT, PUBLISHED_PORTS
from engine import LabError, docker, in_namespaces

HERE = Path(__file__).parent
PATIENCE_S = 300
# The longest time for a restart of the tunnel.
RESTART_S = 20
OUTSIDE_PAUSE_S = 0.5
# The networks' addresses up to the last dot.
VPN_NETWORK, CONTROL_NETWORK = (network.removesuffix("0/24") for network in (topology.VPN, topology.CONTROL))
VPN_GATEWAY = f"{VPN_NETWORK}1"
# Addresses for tests with IPv6: the VPN's bridge, a neighbour on the LAN, and the control's network.
VPN_GATEWAY_IPV6, LAN_IPV6 = "fd00:66::1", "fd00:67::1"
CONTROL_IPV6, CONTROL_GATEWAY_IPV6 = "fd00:68::/64", "fd00:68::1"
# Prefix that runs a command of the Pi in the VPN namespace.
INSIDE = "nsenter --net=/proc/$(docker inspect --format '{{.State.Pid}}' mediaserver-vpn-1)/ns/net"
UNIT = """[Unit]
Description=Prober of the leak test
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
class LabControl:
    """One household of the lab with the prober on its Pi."""

    household: topology.LabHousehold
    inventory: str
    environment: dict[str, str] = field(default_factory=dict)  # of playbook runs
    programs: tuple[str, ...] = ()  # probe only namespaces in which one of these runs; () means all containers
    own: tuple[dict[str, Any], ...] = ()  # the household's own services (mediaserver_extra_services)

    @property
    def description(self) -> dict[str, Any]:
        text = (households.FOLDER / f"household{self.household.number}.json").read_text(encoding="utf-8")
        return dict(json.loads(text))

    def pi(self, command: str, *, stdin: str | None = None) -> str:
        """Run a shell command on the Pi. Raises LabError when it fails."""
        return in_namespaces(f"{self.household.name}-pi", "sh", "-c", command, stdin=stdin)

    def inside(self, command: str) -> str:
        """Run a program of the Pi in the VPN namespace."""
        return self.pi(f"{INSIDE} {command}")

    def router(self, command: str, *, stdin: str | None = None) -> str:
        return docker("exec", "--interactive", f"{self.household.name}-router", "sh", "-c", command, stdin=stdin)

    @property
    def _household_variables(self) -> tuple[str, str]:
        given: dict[str, Any] = {"demo_household": self.household.number}
        return "--extra-vars", json.dumps(given | ({"mediaserver_extra_services": self.own} if self.own else {}))

    @property
    def services(self) -> tuple[str, ...]:
        """The services of the stack, own ones included."""
        return (*services.names(), *(one["name"] for one in self.own))

    @property
    def namespace_services(self) -> tuple[str, ...]:
        """Services in the holder's namespace: all of them must be in the one from which probes are sent."""
        return (*services.names(*services.IN_VPN), *(one["name"] for one in self.own if one["namespace"] == "vpn"))

    def run_site(self, *extra: str) -> playbook.Run:
        """Run site.yml on the household; a failure is in the result."""
        return playbook.run(self.inventory, *self._household_variables, *extra, env=self.environment)

    def converge(self, *extra: str) -> playbook.Run:
        """Run site.yml on the household. Raises AssertionError when it fails."""
        result = self.run_site(*extra)
        assert result.ok, result.failures
        return result

    @contextmanager
    def converging(self, *extra: str) -> Iterator[None]:
        """Run the playbook in the background; kill it at the end. The current task on the Pi ends by itself."""
        with subprocess.Popen(
            playbook.command(self.inventory, *self._household_variables, *extra),
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
            "laptop": self.household.laptop,
            "pi": self.household.pi,
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
        with suppress(LabError):  # the rule is missing in a namespace that the prober has not probed
            self.inside(" ".join((*prober.RULES, "delete", *prober.BY_DEVICE)))

    @contextmanager
    def prober_paused(self) -> Iterator[None]:
        """Pause the prober. Its connections end while packets still pass, so that no peer retransmits later."""
        self.pi("systemctl stop leak-prober")
        yield
        # The public resolver would retransmit on its connections to Docker's resolver for minutes.
        docker("exec", f"{topology.PREFIX}-internet", "ss", "--kill", "src", topology.RESOLVER)
        self.pi("systemctl start leak-prober")

    def clear_probe_records(self) -> None:
        self.pi("rm -f /var/lib/leak-prober/received /var/lib/leak-prober/rounds")

    def probed_namespaces(self, since: float) -> set[str]:
        """Return the namespaces in which a whole round of probes was started after ``since`` (``time.monotonic``).

        A container shares this machine's monotonic clock, and a reboot of the lab's Pi does not reset it.
        """
        rounds = (row.split("@") for row in self._records("rounds"))
        return {namespace for namespace, begun in rounds if float(begun) > since}

    def namespace(self) -> str:
        """Return the inode number of the current VPN namespace."""
        return self.inside("readlink /proc/self/ns/net").strip().removeprefix("net:[").removesuffix("]")

    def received_probes(self) -> list[str]:
        """Return the names of the probes that arrived at the Pi itself, with repetitions."""
        return self._records("received")

    def _records(self, file: str) -> list[str]:
        return self.pi(f"cat /var/lib/leak-prober/{file} 2>/dev/null || true").split()

    def open_pages_from_outside(self) -> None:
        """Request the published ports from an address outside of the LAN."""
        curl = f"curl --silent --max-time 2 --interface {OUTSIDE_CLIENT} --output /dev/null"
        ask = " ".join(f"{curl} http://{self.household.pi}:{page}/ &" for page in PUBLISHED_PORTS)
        address = f"ip address replace {OUTSIDE_CLIENT}/32 dev eth0"
        docker("exec", f"{self.household.name}-laptop", "sh", "-c", f"{address} || exit; {ask} wait")

    @contextmanager
    def outside_client(self) -> Iterator[None]:
        """Request the published ports repeatedly from outside of the LAN. Raises LabError when that failed."""
        done = threading.Event()

        def request() -> None:
            while not done.wait(OUTSIDE_PAUSE_S):
                self.open_pages_from_outside()

        with ThreadPoolExecutor() as pool:
            requests = pool.submit(request)
            try:
                yield
            finally:
                done.set()
            requests.result()

    # Health of the household

    def monitor_pid(self) -> str:
        return self.pi("systemctl show --property MainPID --value vpn-monitor").strip()

    def monitor_state(self) -> dict[str, Any]:
        """Return vpn-monitor's state file."""
        return dict(json.loads(self.pi("cat /run/mediaserver/vpn.json")))

    def problems(self) -> list[str]:
        """Return what is wrong: stopped services, a stale namespace, a dead tunnel, web interfaces without answer."""
        pid = "docker inspect --format '{{.State.Pid}}' mediaserver-$c-1"
        page = f"http://{topology.INTERNET_HOST}/"
        query = (
            "docker ps --all --filter label=com.docker.compose.project=mediaserver"
            " --format '{{.Label \"com.docker.compose.service\"}} {{.State}}';"
            f" for c in {' '.join(self.namespace_services)}; do"
            f" echo namespace $(readlink /proc/$({pid})/ns/net); done;"
            f" echo exit $(docker exec mediaserver-transmission-1 curl --silent --max-time 2 {page})"
        )
        try:
            rows = [row.split() for row in self.pi(query).splitlines()]
        except LabError as error:
            return [str(error)]
        states = {row[0]: row[1] for row in rows if len(row) == 2 and row[0] not in ("namespace", "exit")}
        namespaces = {row[1] for row in rows if row[0] == "namespace" and len(row) == 2}
        exits = [row[1] for row in rows if row[0] == "exit" and len(row) == 2]
        found = [f"{name} is {states.get(name, 'missing')}" for name in self.services
                 if states.get(name) != "running"]  # fmt: skip
        if len(namespaces) != 1:
            found.append(f"namespaces differ: {sorted(namespaces)}")
        if not exits or exits[0] not in [provider.address for provider in topology.PROVIDERS]:
            found.append(f"the tunnel carries no traffic: {exits}")
        try:
            demo.rpc(self.description, "session-get", {"fields": ["version"]})
        except (LabError, demo.DemoError, ValueError) as error:
            found.append(f"the laptop gets no answer from Transmission: {error}")
        for name, port in (("Jackett", 9117), ("Jellyfin", 8096)):
            page = f"http://{self.household.pi}:{port}/health"
            ask = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--max-time", "3", page]
            try:
                answer = docker("exec", f"{self.household.name}-laptop", *ask)
            except LabError as error:
                answer = str(error)
            if answer != "200":
                found.append(f"the laptop gets no answer from {name}: {answer}")
        return found

    def wait_until_healthy(self, patience: float = PATIENCE_S) -> float:
        """Return the seconds until there are no problems. Raises AssertionError with the problems."""
        begun = time.monotonic()
        while problems := self.problems():
            assert time.monotonic() - begun < patience, f"not healthy after {patience} s: {problems}"
            time.sleep(0.2)
        return time.monotonic() - begun

    def wait_until_only_tunnel_is_down(self) -> None:
        """Wait until every problem is the tunnel's; one such moment suffices, as vpn-monitor may restart the tunnel."""
        begun = time.monotonic()
        found = self.problems()
        while any("tunnel" not in problem for problem in found):
            assert time.monotonic() - begun < RESTART_S, found
            time.sleep(1)
            found = self.problems()
        assert found, "the tunnel works, although the endpoint is unreachable"

    def rpc(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call Transmission's RPC; retried, because vpn-monitor may be restarting Transmission."""
        begun = time.monotonic()
        while True:
            try:
                return demo.rpc(self.description, method, arguments)
            except (LabError, demo.DemoError, ValueError) as error:
                assert time.monotonic() - begun < PATIENCE_S, f"Transmission does not answer: {error}"
            time.sleep(0.5)
