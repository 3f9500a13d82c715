# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports: open to mediaserver_lan, the Pi and its containers, closed to others; counters of drops."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import household_lab
import playbook
import pytest
import topology
from contract import OUTER, Containers, Household, nft

OUTSIDE_CLIENT, TAILNET, TAILNET_CLIENT = "198.18.200.1", "100.64.0.0/10", "100.64.0.7"
HTTPS = 8920
COUNTERS = ("leak_attempts_out", "leak_attempts_host")


def ports(household: Household) -> list[int]:
    return sorted(household["mediaserver_ports"].values())


def counted(host: Any, *names: str) -> int:
    found = (item["counter"] for item in nft(host, OUTER) if "counter" in item)
    return sum(counter["packets"] for counter in found if counter["name"] in names)


def opened(lab_household: topology.LabHousehold, port: int, source: str) -> bool:
    """Return whether the Pi accepts a connection from an address of the laptop."""
    ask = f"import socket; socket.create_connection(('{lab_household.pi}', {port}), 2, ('{source}', 0))"
    answer = household_lab.on_laptop(
        lab_household, "sh", "-c", f'python3 -c "{ask}" 2>/dev/null && echo yes || echo no'
    )
    return answer.strip() == "yes"


def certificate(folder: Path) -> Path:
    """Create a certificate with its key as a PKCS#12 file without password; preflight requires it for HTTPS."""
    key, public, bundle = (folder / name for name in ("key.pem", "certificate.pem", "home.pfx"))
    made = ("-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=home")
    subprocess.run(["openssl", "req", "-x509", *made, "-keyout", key, "-out", public], check=True, capture_output=True)
    joined = ("-inkey", key, "-in", public, "-passout", "pass:")
    subprocess.run(["openssl", "pkcs12", "-export", *joined, "-out", bundle], check=True, capture_output=True)
    return bundle


@pytest.fixture
def laptop(host: Any, lab_household: topology.LabHousehold) -> Iterator[Callable[[str], None]]:
    """Add an address to the laptop, with a route from the Pi."""
    added = []

    def add(address: str) -> None:
        household_lab.on_laptop(lab_household, "ip", "address", "replace", f"{address}/32", "dev", "eth0")
        host.check_output(f"ip route replace {address}/32 dev eth0")
        added.append(address)

    yield add
    for address in added:
        household_lab.on_laptop(lab_household, "ip", "address", "delete", f"{address}/32", "dev", "eth0")
        host.run(f"ip route delete {address}/32 dev eth0")


def test_published_ports_are_closed_outside_of_lan(
    host: Any, household: Household, lab_household: topology.LabHousehold, laptop: Callable[[str], None]
) -> None:
    laptop(OUTSIDE_CLIENT)
    assert opened(lab_household, 22, OUTSIDE_CLIENT), "the control: the Pi answers this address"
    assert {port: opened(lab_household, port, lab_household.laptop) for port in ports(household)} == dict.fromkeys(
        ports(household), True
    )
    # For ports that Docker translates to the VPN network, the barrier has another counter.
    before = counted(host, "strangers", "leak_attempts_in")
    assert {port: opened(lab_household, port, OUTSIDE_CLIENT) for port in ports(household)} == dict.fromkeys(
        ports(household), False
    )
    assert counted(host, "strangers", "leak_attempts_in") >= before + len(ports(household))


def test_pi_and_its_containers_reach_published_ports(
    host: Any, household: Household, lab_household: topology.LabHousehold, containers: Containers
) -> None:
    image = containers["jellyfin"]["Config"]["Image"]
    for port in ports(household):
        ask = f"import socket; socket.create_connection(('%s', {port}), 2)"
        for where in ("127.0.0.1", lab_household.pi):
            host.check_output(f'python3 -c "{ask % where}"')
        curl = f"curl --silent --max-time 5 --output /dev/null http://{lab_household.pi}:{port}/"
        done = host.run(f"docker run --rm --user 65534 --entrypoint sh {image} -c '{curl}'")
        assert done.rc == 0, f"a container of this host does not reach port {port}: {done.stderr}"


@pytest.mark.faults
def test_tailnet_reaches_ports_if_listed_also_https(
    household: Household,
    lab_household: topology.LabHousehold,
    inventory: str,
    laptop: Callable[[str], None],
    tmp_path: Path,
) -> None:
    laptop(TAILNET_CLIENT)
    laptop(OUTSIDE_CLIENT)
    assert not any(opened(lab_household, port, TAILNET_CLIENT) for port in ports(household)), (
        "it is not in the list yet"
    )
    wanted = {"mediaserver_lan": [*household["mediaserver_lan"], TAILNET], "jellyfin_https_port": HTTPS}
    wanted["jellyfin_https_certificate"] = str(certificate(tmp_path))
    try:
        result = playbook.run(inventory, "--extra-vars", json.dumps(wanted))
        assert result.ok, result.failures
        reached = {port: opened(lab_household, port, TAILNET_CLIENT) for port in ports(household)}
        assert reached == dict.fromkeys(ports(household), True)
        url = f"http://{lab_household.pi}:{household['mediaserver_ports']['jellyfin']}/System/Info/Public"
        ask = [
            "curl",
            "--silent",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
            "--interface",
            TAILNET_CLIENT,
        ]
        assert household_lab.on_laptop(lab_household, *ask, url) == "200", (
            "Jellyfin treats the tailnet as a remote network"
        )
        # Also for HTTPS, where Docker's proxy accepts connections although nothing listens in the container.
        assert [opened(lab_household, port, OUTSIDE_CLIENT) for port in (*ports(household), HTTPS)] == [False] * (
            len(ports(household)) + 1
        )
    finally:
        back = playbook.run(inventory)
    assert back.ok, back.failures


def test_restarts_with_open_connections_are_not_counted(
    host: Any, household: Household, lab_household: topology.LabHousehold
) -> None:
    """Clients keep connections open; after a restart, services still answer on connections that Docker has dropped."""
    before = counted(host, *COUNTERS)
    hold = (
        "import socket, time; sockets = [socket.create_connection((host, port), 3) "
        "for host in {hosts} for port in {ports} for _ in range(8)]; print('open', flush=True); "
        "[one.sendall(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n') for one in sockets]; time.sleep(90)"
    )
    own = [port for name, port in household["mediaserver_ports"].items() if name != "jellyfin"]
    on_laptop = hold.format(hosts=[lab_household.pi], ports=own)
    household_lab.on_laptop(
        lab_household, "sh", "-c", f'nohup python3 -c "{on_laptop}" >/tmp/hold 2>&1 & sleep 2; grep open /tmp/hold'
    )
    on_pi = hold.format(hosts=["127.0.0.1", lab_household.pi], ports=own)
    host.check_output(f'nohup python3 -c "{on_pi}" >/tmp/hold 2>&1 & sleep 2; grep open /tmp/hold')
    for service in ("transmission", "jackett", "vpn"):
        host.check_output(
            f"docker restart --time 5 $(docker ps --quiet --filter label=com.docker.compose.project=mediaserver "
            f"--filter label=com.docker.compose.service={service})"
        )
        time.sleep(8)
    deadline = time.monotonic() + 60
    while json.loads(host.check_output("cat /run/mediaserver/vpn.json"))["state"] != "online":
        assert time.monotonic() < deadline, "vpn-monitor has not recovered"
        time.sleep(1)
    assert counted(host, *COUNTERS) == before
    state = json.loads(host.check_output("cat /run/mediaserver/vpn.json"))
    assert state["leak_attempts"] == before, "vpn-monitor has another count"
