# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider's ports: who gets which and for how long, and that the household's own client understands it."""

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
    """The rules below the chain's hook."""
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


def test_client_and_provider_agree_on_one_port() -> None:
    server = gateway()
    assert natpmp.map_port(asking(server, ONE, START + 3)) == Mapping(40000, 60, 3)
    assert natpmp.map_port(asking(server, TWO, START + 3)) == Mapping(40001, 60, 3)
    assert rules(server) == [
        f"ip daddr {PUBLIC} tcp dport 40000 dnat to {ONE}:40000",
        f"ip daddr {PUBLIC} udp dport 40000 dnat to {ONE}:40000",
        f"ip daddr {PUBLIC} tcp dport 40001 dnat to {TWO}:40001",
        f"ip daddr {PUBLIC} udp dport 40001 dnat to {TWO}:40001",
    ]


def test_the_provider_tells_its_address() -> None:
    # RFC 6886, section 3.2: version, opcode 128, result, epoch, address.
    reply = asking(gateway(), ONE, START)(bytes(2))
    assert reply[:4] + reply[8:] == bytes([0, 128, 0, 0]) + socket.inet_aton(PUBLIC)


def test_a_port_that_is_refreshed_stays_and_one_that_is_not_ends() -> None:
    server = gateway()
    natpmp.map_port(asking(server, ONE, START))
    natpmp.map_port(asking(server, ONE, START + natpmp.REFRESH_S), 40000)
    server.expire(START + natpmp.REFRESH_S + 59)
    assert len(rules(server)) == 2
    server.expire(START + natpmp.REFRESH_S + 60)
    assert server.rules() == NO_RULES


def test_a_port_that_ended_is_had_again_by_its_name_only() -> None:
    server = gateway()
    natpmp.map_port(asking(server, ONE, START))
    assert natpmp.map_port(asking(server, ONE, START + 60)).port == 40001
    assert natpmp.map_port(asking(server, ONE, START + 120), 40000).port == 40000


def test_the_port_of_another_is_not_given() -> None:
    server = gateway()
    natpmp.map_port(asking(server, ONE, START))
    assert natpmp.map_port(asking(server, TWO, START), 40000).port == 40001


def test_ports_run_out_and_come_round() -> None:
    server = gateway(how_many=1)
    natpmp.map_port(asking(server, ONE, START))
    with pytest.raises(NatPmpError, match="no port is free there"):
        natpmp.map_port(asking(server, TWO, START))
    assert natpmp.map_port(asking(server, TWO, START + 60)).port == 40000


def test_no_two_servers_have_a_port_in_common() -> None:
    ports = [port for each in PROVIDERS for port in range(each.first_port, each.first_port + natpmp_responder.HOW_MANY)]
    assert len(set(ports)) == len(ports)
    assert PROVIDERS[0].first_port == 40000


def test_an_internal_port_of_its_own_is_where_packets_go() -> None:
    server = gateway()
    assert ask(server, "udp", 51413) == (0, 51413, 40000, 60)
    assert rules(server) == [f"ip daddr {PUBLIC} udp dport 40000 dnat to {ONE}:51413"]
    assert ask(server, "tcp", 51414) == (0, 51414, 40000, 60)
    # There is one port for each client, and the first has it.
    assert ask(server, "udp", 6000) == (4, 6000, 0, 0)
    assert len(rules(server)) == 2


def test_a_lifetime_is_cut_and_not_stretched() -> None:
    assert ask(gateway(), "udp", 0, 7200) == (0, 0, 40000, 60)
    assert ask(gateway(), "udp", 0, 10) == (0, 0, 40000, 10)


def test_no_lifetime_ends_the_mapping_of_one_protocol() -> None:
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
def test_replies_and_halves_get_no_reply(datagram: str) -> None:
    assert gateway().answer(bytes.fromhex(datagram), ONE, START) is None


def test_another_version_is_refused_with_opcode_0() -> None:
    assert gateway().answer(bytes([2, 1, *bytes(58)]), ONE, START + 9) == bytes([0, 0, 0, 1, 0, 0, 0, 9])


@pytest.mark.parametrize(("asked", "answered"), [("0003", "00830005"), ("0063 0000 0102 03", "00e3 0005 0102 03")])
def test_an_unknown_opcode_comes_back_whole(asked: str, answered: str) -> None:
    assert gateway().answer(bytes.fromhex(asked), ONE, START) == bytes.fromhex(answered)


@given(some.lists(some.tuples(some.binary(max_size=20), some.sampled_from([ONE, TWO]), some.floats(0, 100))))
def test_no_bytes_break_it_and_a_port_has_one_owner(datagrams: list[tuple[bytes, str, float]]) -> None:
    server, now = gateway(), START
    for tail, client, passed in datagrams:
        now += passed
        server.answer(b"\0" + tail, client, now)
        owners = {mapping.external: client for (client, _unused), mapping in server.mappings.items()}
        for (whose, _unused), mapping in server.mappings.items():
            assert owners[mapping.external] == whose
            assert now < mapping.expires <= now + natpmp_responder.LIFETIME_S


def run(*command: str, stdin: str | None = None) -> str:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True, timeout=20).stdout


CLIENT = """
import socket, sys
from mediaserver.tunnel import natpmp
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
port = natpmp.map_port(lambda request: natpmp.udp_exchange(line, "10.66.0.1", request), lifetime=2).port
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("10.66.0.11", port))
heard.settimeout(10)
print(port, flush=True)
data, sender = heard.recvfrom(100)
heard.sendto(data.upper(), sender)
"""
PEER = """
import socket, sys
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.settimeout(float(sys.argv[2]))
line.sendto(b"hello", ("198.18.0.20", int(sys.argv[1])))
print(line.recvfrom(100))
"""


@pytest.fixture
def spaces() -> Iterator[tuple[str, str, str]]:
    """Client, provider and world in a row, in network namespaces of their own."""
    names = tuple(f"natpmp-{os.getpid()}-{kind}" for kind in ("client", "provider", "world"))
    client, provider, world = names
    try:
        for name in names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        for other, inside, network in ((client, "wg0", "10.66.0.{}/24"), (world, "eth0", "198.18.0.{}/24")):
            run("ip", "-n", provider, "link", "add", inside, "type", "veth", "peer", "name", "up0", "netns", other)
            ours, theirs = (1, 11) if other == client else (20, 10)
            run("ip", "-n", provider, "address", "add", network.format(ours), "dev", inside)
            run("ip", "-n", other, "address", "add", network.format(theirs), "dev", "up0")
            run("ip", "-n", provider, "link", "set", inside, "up")
            run("ip", "-n", other, "link", "set", "up0", "up")
        run("ip", "-n", client, "route", "add", "default", "via", "10.66.0.1")
        run("ip", "netns", "exec", provider, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        yield client, provider, world
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


@pytest.mark.skipif(os.getuid() != 0, reason="network namespaces need root")
@pytest.mark.skipif(not all(map(shutil.which, ("nft", "ip", "sysctl"))), reason="needs nft, ip and sysctl")
def test_packets_from_the_world_reach_the_client_while_it_has_the_port(spaces: tuple[str, str, str]) -> None:
    client, provider, world = spaces
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
        # It prints only when it has loaded its table.
        assert responder.stdout is not None
        assert responder.stdout.readline().endswith("{}\n")
        asking_client = start(client, "-c", CLIENT)
        assert asking_client.stdout is not None
        assert asking_client.stdout.readline() == "40000\n"
        peer = start(world, "-c", PEER, "40000", "5")
        assert peer.communicate(timeout=20)[0] == f"(b'HELLO', ('{PUBLIC}', 40000))\n"
        assert asking_client.wait(20) == 0
        time.sleep(3)
        late = start(world, "-c", PEER, "40000", "0.5")
        assert late.wait(20) != 0
        assert "dnat" not in run("ip", "netns", "exec", provider, "nft", "list", "table", "ip", "natpmp")
    finally:
        responder.terminate()
        responder.wait(20)
