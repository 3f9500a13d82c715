# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches the published ports: mediaserver_lan, the Pi itself and its containers; and what is counted."""

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

STRANGER, TAILNET, TAILNET_CLIENT = "198.18.200.1", "100.64.0.0/10", "100.64.0.7"
HTTPS = 8920
COUNTERS = ("leak_attempts_out", "leak_attempts_host")


def ports(house: Household) -> list[int]:
    return sorted(house["mediaserver_ports"].values())


def counted(host: Any, *names: str) -> int:
    found = (item["counter"] for item in nft(host, OUTER) if "counter" in item)
    return sum(counter["packets"] for counter in found if counter["name"] in names)


def opened(lab_house: topology.House, port: int, source: str) -> bool:
    """Whether a connection from an address of the laptop is answered at all."""
    ask = f"import socket; socket.create_connection(('{lab_house.pi}', {port}), 2, ('{source}', 0))"
    answer = household_lab.on_laptop(lab_house, "sh", "-c", f'python3 -c "{ask}" 2>/dev/null && echo yes || echo no')
    return answer.strip() == "yes"


def certificate(folder: Path) -> Path:
    """Make a certificate with its key as a PKCS#12 file without a password. Preflight wants one for an HTTPS port."""
    key, public, whole = (folder / name for name in ("key.pem", "certificate.pem", "home.pfx"))
    made = ("-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=home")
    subprocess.run(["openssl", "req", "-x509", *made, "-keyout", key, "-out", public], check=True, capture_output=True)
    joined = ("-inkey", key, "-in", public, "-passout", "pass:")
    subprocess.run(["openssl", "pkcs12", "-export", *joined, "-out", whole], check=True, capture_output=True)
    return whole


@pytest.fixture
def laptop(host: Any, lab_house: topology.House) -> Iterator[Callable[[str], None]]:
    """Give the laptop one more address, which the Pi reaches on the LAN."""
    given = []

    def give(address: str) -> None:
        household_lab.on_laptop(lab_house, "ip", "address", "replace", f"{address}/32", "dev", "eth0")
        host.check_output(f"ip route replace {address}/32 dev eth0")
        given.append(address)

    yield give
    for address in given:
        household_lab.on_laptop(lab_house, "ip", "address", "delete", f"{address}/32", "dev", "eth0")
        host.run(f"ip route delete {address}/32 dev eth0")


def test_every_published_port_is_closed_for_a_stranger(
    host: Any, house: Household, lab_house: topology.House, laptop: Callable[[str], None]
) -> None:
    laptop(STRANGER)
    assert opened(lab_house, 22, STRANGER), "the control: the Pi answers this address"
    assert {port: opened(lab_house, port, lab_house.laptop) for port in ports(house)} == dict.fromkeys(
        ports(house), True
    )
    # Docker translates some ports to the VPN network, where the barrier counts what is dropped under another name.
    before = counted(host, "strangers", "leak_attempts_in")
    assert {port: opened(lab_house, port, STRANGER) for port in ports(house)} == dict.fromkeys(ports(house), False)
    assert counted(host, "strangers", "leak_attempts_in") >= before + len(ports(house))


def test_the_pi_and_its_containers_reach_every_published_port(
    host: Any, house: Household, lab_house: topology.House, containers: Containers
) -> None:
    image = containers["jellyfin"]["Config"]["Image"]
    for port in ports(house):
        ask = f"import socket; socket.create_connection(('%s', {port}), 2)"
        for where in ("127.0.0.1", lab_house.pi):
            host.check_output(f'python3 -c "{ask % where}"')
        curl = f"curl --silent --max-time 5 --output /dev/null http://{lab_house.pi}:{port}/"
        done = host.run(f"docker run --rm --user 65534 --entrypoint sh {image} -c '{curl}'")
        assert done.rc == 0, f"a container of this host does not reach port {port}: {done.stderr}"


@pytest.mark.faults
def test_a_tailnet_reaches_them_when_the_list_names_it_and_https_is_no_exception(
    house: Household, lab_house: topology.House, inventory: str, laptop: Callable[[str], None], tmp_path: Path
) -> None:
    laptop(TAILNET_CLIENT)
    laptop(STRANGER)
    assert not any(opened(lab_house, port, TAILNET_CLIENT) for port in ports(house)), "it is not in the list yet"
    wanted = {"mediaserver_lan": [*house["mediaserver_lan"], TAILNET], "jellyfin_https_port": HTTPS}
    wanted["jellyfin_https_certificate"] = str(certificate(tmp_path))
    try:
        result = playbook.run(inventory, "--extra-vars", json.dumps(wanted))
        assert result.ok, result.failures
        reached = {port: opened(lab_house, port, TAILNET_CLIENT) for port in ports(house)}
        assert reached == dict.fromkeys(ports(house), True)
        url = f"http://{lab_house.pi}:{house['mediaserver_ports']['jellyfin']}/System/Info/Public"
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
        assert household_lab.on_laptop(lab_house, *ask, url) == "200", "Jellyfin takes the tailnet for a remote network"
        # Docker's proxy accepts for a port where nothing listens in the container; a refusal would be an answer, too.
        assert [opened(lab_house, port, STRANGER) for port in (*ports(house), HTTPS)] == [False] * (
            len(ports(house)) + 1
        )
    finally:
        back = playbook.run(inventory)
    assert back.ok, back.failures


def test_restarts_with_open_connections_count_nothing(host: Any, house: Household, lab_house: topology.House) -> None:
    """Clients on the LAN and the Pi hold connections open; services answer them after Docker has forgotten them."""
    before = counted(host, *COUNTERS)
    hold = (
        "import socket, time; lines = [socket.create_connection((host, port), 3) "
        "for host in {hosts} for port in {ports} for _ in range(8)]; print('open', flush=True); "
        "[line.sendall(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n') for line in lines]; time.sleep(90)"
    )
    own = [port for name, port in house["mediaserver_ports"].items() if name != "jellyfin"]
    on_laptop = hold.format(hosts=[lab_house.pi], ports=own)
    household_lab.on_laptop(
        lab_house, "sh", "-c", f'nohup python3 -c "{on_laptop}" >/tmp/hold 2>&1 & sleep 2; grep open /tmp/hold'
    )
    on_pi = hold.format(hosts=["127.0.0.1", lab_house.pi], ports=own)
    host.check_output(f'nohup python3 -c "{on_pi}" >/tmp/hold 2>&1 & sleep 2; grep open /tmp/hold')
    for service in ("transmission", "jackett", "vpn"):
        host.check_output(
            f"docker restart --time 5 $(docker ps --quiet --filter label=com.docker.compose.project=mediaserver "
            f"--filter label=com.docker.compose.service={service})"
        )
        time.sleep(8)
    deadline = time.monotonic() + 60
    while json.loads(host.check_output("cat /run/mediaserver/vpn.json"))["state"] != "online":
        assert time.monotonic() < deadline, "vpn-monitor does not bring it back"
        time.sleep(1)
    assert counted(host, *COUNTERS) == before
    told = json.loads(host.check_output("cat /run/mediaserver/vpn.json"))
    assert told["leak_attempts"] == before, "vpn-monitor counts otherwise"
