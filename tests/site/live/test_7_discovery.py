# SPDX-License-Identifier: GPL-3.0-or-later
"""A client on the LAN finds Jellyfin by its broadcast; clients elsewhere get no answer."""

from __future__ import annotations

import json
from typing import Any

import household_lab
import pytest
import topology

# Asks by broadcast or at an address, from an address of its own if one is given, and prints the answer.
CLIENT = """
import socket, sys
target, source = sys.argv[1], sys.argv[2]
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
line.bind((source, 0))
line.settimeout(2)
for _ in range(3):
    line.sendto(b"Who is JellyfinServer?", (target, 7359))
    try:
        print(line.recvfrom(2048)[0].decode())
        break
    except TimeoutError:
        continue
"""
OUTSIDE = "203.0.113.77"


def ask(lab: topology.LabHousehold, target: str, source: str = "") -> str:
    return household_lab.on_laptop(lab, "python3", "-", target, source, stdin=CLIENT).strip()


def test_a_client_on_the_lan_finds_jellyfin(host: Any, lab_household: topology.LabHousehold) -> None:
    url = "http://127.0.0.1:8096/System/Info/Public"
    program = f"import urllib.request as r; print(r.urlopen('{url}', timeout=5).read().decode())"
    info = json.loads(host.check_output(f'python3 -c "{program}"'))
    expected = (
        f'{{"Address":"http://{lab_household.pi}:8096","Id":"{info["Id"]}","Name":"{info["ServerName"]}",'
        '"EndpointAddress":null}'
    )
    for target in ("255.255.255.255", lab_household.pi):
        assert ask(lab_household, target) == expected


def test_a_client_with_an_address_outside_the_lan_gets_no_answer(lab_household: topology.LabHousehold) -> None:
    assert ask(lab_household, lab_household.pi), "the control"
    household_lab.on_laptop(lab_household, "ip", "address", "add", f"{OUTSIDE}/32", "dev", "eth0")
    try:
        assert ask(lab_household, lab_household.pi, OUTSIDE) == ""
    finally:
        household_lab.on_laptop(lab_household, "ip", "address", "delete", f"{OUTSIDE}/32", "dev", "eth0")


def test_the_program_has_no_rights(host: Any) -> None:
    pid = host.check_output("systemctl show --property=MainPID --value mediaserver-discovery.service")
    status = host.check_output(f"cat /proc/{pid}/status")
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    assert int(fields["CapEff"], 16) == 0
    assert fields["Uid"].split()[0] != "0"


@pytest.mark.faults
def test_without_jellyfin_nothing_is_announced(host: Any, lab_household: topology.LabHousehold) -> None:
    host.check_output("/opt/mediaserver/scripts/vpn-gateway hold 600")
    try:
        host.check_output("docker stop mediaserver-jellyfin-1 && systemctl restart mediaserver-discovery.service")
        assert ask(lab_household, lab_household.pi) == ""
    finally:
        host.check_output("docker start mediaserver-jellyfin-1; /opt/mediaserver/scripts/vpn-gateway release")
