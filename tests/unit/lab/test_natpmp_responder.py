# SPDX-License-Identifier: GPL-3.0-or-later
"""The NAT-PMP responder of the lab's provider, also with the client of the host package."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import natpmp_responder
import pytest
from hypothesis import given
from hypothesis import strategies as some
from mediaserver._core.errors import NatPmpError
from mediaserver.tunnel import natpmp
from mediaserver.tunnel.natpmp import Mapping
from natpmp_responder import Gateway
from topology import PROVIDERS

PUBLIC, ONE, TWO = "198.18.0.20", "10.66.0.11", "10.66.0.12"
START = 1000.0
NO_RULES = """\
table ip natpmp
delete table ip natpmp
table ip natpmp {
    chain inwards {
        type nat hook prerouting priority dstnat;
    }
}
"""


def gateway(how_many: int = 1000) -> Gateway:
    return Gateway(PUBLIC, START, range(40000, 40000 + how_many))


def rules(server: Gateway) -> list[str]:
    """Return the dnat rules."""
    return [line.strip() for line in server.rules().splitlines() if "dnat" in line]


def asking(server: Gateway, client: str, now: float) -> natpmp.Exchange:
    def exchange(request: bytes) -> bytes:
        reply = server.answer(request, client, now)
        assert reply is not None
        assert natpmp.is_answer(reply, request)
        return reply

    return exchange


def ask(server: Gateway, protocol: str, internal: int, lifetime: int = 60, *, suggested: int = 1) -> tuple[int, ...]:
    """Return result, internal port, external port and lifetime that the first client gets."""
    reply = server.answer(natpmp.map_request(protocol, internal, suggested, lifetime), ONE, START + 5)
    assert reply is not None
    version, opcode, result, epoch, *rest = struct.unpack("!BBHIHHI", reply)
    assert (version, opcode, epoch) == (0, natpmp.OPCODES[protocol] + 128, 5)
    return (result, *rest)


def test_each_client_gets_own_port() -> None:
    server = gateway()
    assert natpmp.map_port(asking(server, ONE, START + 3)) == Mapping(40000, 60, 3)
    assert natpmp.map_port(asking(server, TWO, START + 3)) == Mapping(40001, 60, 3)
    assert rules(server) == [
        f"ip daddr {PUBLIC} tcp dport 40000 dnat to {ONE}:40000",
        f"ip daddr {PUBLIC} udp dport 40000 dnat to {ONE}:40000",
        f"ip daddr {PUBLIC} tcp dport 40001 dnat to {TWO}:40001",
        f"ip daddr {PUBLIC} udp dport 40001 dnat to {TWO}:40001",
    ]


def test_answers_with_public_address() -> None:
    # RFC 6886, section 3.2: version, opcode 128, result, epoch, address.
    reply = asking(gateway(), ONE, START)(bytes(2))
    assert reply[:4] + reply[8:] == bytes([0, 128, 0, 0]) + socket.inet_aton(PUBLIC)


def test_mapping_expires_without_refresh() -> None:
    server = gateway()
    natpmp.map_port(asking(server, ONE, START))
    natpmp.map_port(asking(server, ONE, START + natpmp.REFRESH_S), 40000)
    server.expire(START + natpmp.REFRESH_S + 59)
    assert len(rules(server)) == 2
    server.expire(START + natpmp.REFRESH_S + 60)
    assert server.rules() == NO_RULES


def test_expired_port_is_given_again_when_suggested() -> None:
    server = gateway()
    natpmp.map_port(asking(server, ONE, START))
    assert natpmp.map_port(asking(server, ONE, START + 60)).port == 40001
    assert natpmp.map_port(asking(server, ONE, START + 120), 40000).port == 40000


def test_port_of_other_client_is_not_given() -> None:
    server = gateway()
    natpmp.map_port(asking(server, ONE, START))
    assert natpmp.map_port(asking(server, TWO, START), 40000).port == 40001


def test_ports_can_run_out_and_are_reused() -> None:
    server = gateway(how_many=1)
    natpmp.map_port(asking(server, ONE, START))
    with pytest.raises(NatPmpError, match="no port is free there"):
        natpmp.map_port(asking(server, TWO, START))
    assert natpmp.map_port(asking(server, TWO, START + 60)).port == 40000


def test_port_ranges_of_servers_do_not_overlap() -> None:
    ports = [port for each in PROVIDERS for port in range(each.first_port, each.first_port + natpmp_responder.HOW_MANY)]
    assert len(set(ports)) == len(ports)
    assert PROVIDERS[0].first_port == 40000


def test_maps_to_requested_internal_port() -> None:
    server = gateway()
    assert ask(server, "udp", 51413) == (0, 51413, 40000, 60)
    assert rules(server) == [f"ip daddr {PUBLIC} udp dport 40000 dnat to {ONE}:51413"]
    assert ask(server, "tcp", 51414) == (0, 51414, 40000, 60)
    # A client gets one port, and it is mapped to the first internal port.
    assert ask(server, "udp", 6000) == (4, 6000, 0, 0)
    assert len(rules(server)) == 2


def test_limits_lifetime() -> None:
    assert ask(gateway(), "udp", 0, 7200) == (0, 0, 40000, 60)
    assert ask(gateway(), "udp", 0, 10) == (0, 0, 40000, 10)


def test_lifetime_0_deletes_mapping_of_one_protocol() -> None:
    server = gateway()
    ask(server, "udp", 51413)
    ask(server, "tcp", 51413)
    assert ask(server, "udp", 6000, 0) == (0, 6000, 0, 0)
    assert len(rules(server)) == 2
    assert ask(server, "udp", 51413, 0) == (0, 51413, 0, 0)
    assert rules(server) == [f"ip daddr {PUBLIC} tcp dport 40000 dnat to {ONE}:51413"]
    assert ask(server, "tcp", 0, 0) == (0, 0, 0, 0)
    assert server.rules() == NO_RULES


@pytest.mark.parametrize("datagram", ["", "00", "0080", "0081000000000001", "0001", "0002 0000 0000 0001 000000"])
def test_replies_and_incomplete_requests_get_no_reply(datagram: str) -> None:
    assert gateway().answer(bytes.fromhex(datagram), ONE, START) is None


def test_refuses_other_version_with_opcode_0() -> None:
    assert gateway().answer(bytes([2, 1, *bytes(58)]), ONE, START + 9) == bytes([0, 0, 0, 1, 0, 0, 0, 9])


@pytest.mark.parametrize(("datagram", "reply"), [("0003", "00830005"), ("0063 0000 0102 03", "00e3 0005 0102 03")])
def test_unknown_opcode_is_returned_with_request(datagram: str, reply: str) -> None:
    assert gateway().answer(bytes.fromhex(datagram), ONE, START) == bytes.fromhex(reply)


@given(some.lists(some.tuples(some.binary(max_size=20), some.sampled_from([ONE, TWO]), some.floats(0, 100))))
def test_accepts_any_datagram_and_gives_a_port_to_one_client(datagrams: list[tuple[bytes, str, float]]) -> None:
    server, now = gateway(), START
    for tail, client, passed in datagrams:
        now += passed
        server.answer(b"\0" + tail, client, now)
        owners = {mapping.external: client for (client, _protocol), mapping in server.mappings.items()}
        for (owner, _protocol), mapping in server.mappings.items():
            assert owners[mapping.external] == owner
            assert now < mapping.expires <= now + natpmp_responder.LIFETIME_S


def run(*command: str, stdin: str | None = None) -> str:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True, timeout=20).stdout


CLIENT = """
import socket, sys
from mediaserver.tunnel import natpmp
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
port = natpmp.map_port(lambda request: natpmp.udp_exchange(sock, "10.66.0.1", request), lifetime=2).port
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("10.66.0.11", port))
listener.settimeout(10)
print(port, flush=True)
data, sender = listener.recvfrom(100)
listener.sendto(data.upper(), sender)
"""
PEER = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(float(sys.argv[2]))
sock.sendto(b"hello", ("198.18.0.20", int(sys.argv[1])))
print(sock.recvfrom(100))
"""


@pytest.fixture
def spaces() -> Iterator[tuple[str, str, str]]:
    """Network namespaces of client, provider and peer, connected in this order."""
    names = tuple(f"natpmp-{os.getpid()}-{kind}" for kind in ("client", "provider", "peer"))
    client, provider, peer_space = names
    try:
        for name in names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        for other, inside, network in ((client, "wg0", "10.66.0.{}/24"), (peer_space, "eth0", "198.18.0.{}/24")):
            run("ip", "-n", provider, "link", "add", inside, "type", "veth", "peer", "name", "up0", "netns", other)
            ours, theirs = (1, 11) if other == client else (20, 10)
            run("ip", "-n", provider, "address", "add", network.format(ours), "dev", inside)
            run("ip", "-n", other, "address", "add", network.format(theirs), "dev", "up0")
            run("ip", "-n", provider, "link", "set", inside, "up")
            run("ip", "-n", other, "link", "set", "up0", "up")
        run("ip", "-n", client, "route", "add", "default", "via", "10.66.0.1")
        run("ip", "netns", "exec", provider, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        yield client, provider, peer_space
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


@pytest.mark.skipif(os.getuid() != 0, reason="network namespaces need root")
@pytest.mark.skipif(not all(map(shutil.which, ("nft", "ip", "sysctl"))), reason="needs nft, ip and sysctl")
def test_packets_of_peer_reach_client_while_mapping_is_valid(spaces: tuple[str, str, str]) -> None:
    client, provider, peer_space = spaces
    environment = {
        **os.environ,
        **{"ADDRESS": "10.66.0.1/24", "PUBLIC": PUBLIC, "FIRST_PORT": "40000"},
        "PYTHONPATH": str(Path(natpmp.__file__).parents[2]),
    }

    def start(space: str, *program: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["ip", "netns", "exec", space, sys.executable, *program],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    responder = start(provider, natpmp_responder.__file__)
    try:
        # It prints a line after it has loaded its table.
        assert responder.stdout is not None
        assert responder.stdout.readline().endswith("{}\n")
        asking_client = start(client, "-c", CLIENT)
        assert asking_client.stdout is not None
        assert asking_client.stdout.readline() == "40000\n"
        peer = start(peer_space, "-c", PEER, "40000", "5")
        assert peer.communicate(timeout=20)[0] == f"(b'HELLO', ('{PUBLIC}', 40000))\n"
        assert asking_client.wait(20) == 0
        time.sleep(3)
        late = start(peer_space, "-c", PEER, "40000", "0.5")
        assert late.wait(20) != 0
        assert "dnat" not in run("ip", "netns", "exec", provider, "nft", "list", "table", "ip", "natpmp")
    finally:
        responder.terminate()
        responder.wait(20)
