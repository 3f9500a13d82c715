# SPDX-License-Identifier: GPL-3.0-or-later
"""The forwarded port: its lease, when it is opened and told, and when it is closed again."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mediaserver._core.errors import GatewayError, NatPmpError, Unreachable
from mediaserver.monitor import torrents
from mediaserver.monitor.repairs import Repairs
from mediaserver.tunnel import natpmp
from mediaserver.tunnel.configuration import Settings
from mediaserver.tunnel.port_forwarding import Forwarding, leased_port

UI = 9091
START = 1000.0


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ('{"port": 40000, "until": 100}\n', 40000),
        ('{"port": 1, "until": 50.1}', 1),
        ('{"port": 65535, "until": 100}', 65535),
        ('{"port": 65536, "until": 100}', 0),
        ('{"port": 0, "until": 100}', 0),
        ('{"port": -1, "until": 100}', 0),
        ('{"port": 1e999, "until": 100}', 0),
        ('{"port": "many", "until": 100}', 0),
        ('{"port": null, "until": 100}', 0),
        ('{"port": [1], "until": 100}', 0),
        ('{"port": 40000, "until": 50}', 0),
        ('{"port": 40000, "until": NaN}', 0),
        ('{"port": 40000, "until": "tomorrow"}', 0),
        ('{"port": 40000}', 0),
        ("{}", 0),
        ("[40000]", 0),
        ("40000", 0),
        ("", 0),
        ('{"port": 400', 0),
        ("[" * 100_000, 0),
    ],
)
def test_only_a_lease_that_lasts_counts(tmp_path: Path, text: str, port: int) -> None:
    path = tmp_path / "forwarded.json"
    path.write_text(text)
    assert leased_port(path, now=50) == port


def test_no_file_and_no_text_are_no_lease(tmp_path: Path) -> None:
    path = tmp_path / "forwarded.json"
    assert leased_port(path) == 0
    path.write_bytes(b'{"port": 40000, "until": 1e9, "\xff')
    assert leased_port(path, now=0) == 0


def grant(request: bytes, port: int, lifetime: int = 60, result: int = 0) -> bytes:
    return struct.pack("!BBHIHHI", 0, 128 + request[1], result, 7, 0, port, lifetime)


CONFIGURED: dict[str, Any] = {
    **{
        "subnet": "172.31.254.0/24",
        "lan": [],
        "ui_ports": [UI],
        "forwarded_port": 0,
        "ipv6": False,
        "mtu": 0,
        "published_ports": [],
    },
    **{"natpmp_server": "10.66.0.1", "addresses": ["10.66.0.11/32"], "resolvers": ["10.66.0.1"]},
    "peers": [{"host": "198.18.0.21", "port": 443, "public_key": "b" * 43 + "="}],
}


@dataclass
class House:
    """A provider, a Transmission and a barrier with scripted behaviour; ``done`` is what happened, in order."""

    path: Path
    granted: int = 40000
    lifetime: int = 60
    refusal: int = 0
    peer_port: int = 51413
    silent: bool = False  # Transmission
    broken: bool = False  # the barrier
    now: float = START
    done: list[str] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    lines: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        house = self

        class Client:
            def session_get(self) -> dict[str, Any]:
                if house.silent:
                    raise Unreachable("connection refused")
                return {"peer-port": house.peer_port}

            def session_set(self, values: dict[str, Any]) -> None:
                house.peer_port = values["peer-port"]
                house.done.append(f"told {house.peer_port}")

        self.forwarding = Forwarding("10.66.0.1", (UI,), Client, self.apply, path=self.path, exchange=self.exchange)

    def apply(self) -> None:
        self.done.append(f"barrier {self.lease()}")
        if self.broken:
            raise GatewayError("container vpn did not reload its files")

    def exchange(self, line: socket.socket, server: str, request: bytes) -> bytes:
        assert server == "10.66.0.1"
        assert line.fileno() >= 0
        if request[1] == natpmp.OPCODES["udp"]:
            self.asked.append(struct.unpack("!H", request[6:8])[0])
        return grant(request, self.granted, self.lifetime, self.refusal)

    def make(self) -> socket.socket:
        self.lines.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        return self.lines[-1]

    def refresh(self, after: float) -> str | None:
        self.now = START + after
        try:
            return self.forwarding.refresh(self.make, self.now)
        finally:
            assert all(line.fileno() < 0 for line in self.lines)

    def expire(self, after: float) -> str | None:
        self.now = START + after
        return self.forwarding.expire(self.now)

    def happened(self) -> list[str]:
        done, self.done = self.done, []
        return done

    def lease(self) -> int:
        return leased_port(self.path, self.now)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "run" / "forwarded.json")


@pytest.fixture
def held(house: House) -> House:
    """Port 40000 is had at START, until 60 s later."""
    house.refresh(0)
    house.happened()
    return house


def test_a_first_lease_is_written_then_opened_then_told(house: House) -> None:
    assert house.refresh(0) == "the provider forwards port 40000"
    assert house.asked == [natpmp.ANY_PORT]
    # The barrier reads the file, so the file was there before.
    assert house.happened() == ["barrier 40000", "told 40000"]
    assert json.loads(house.path.read_text()) == {"port": 40000, "until": START + 60}
    assert house.path.stat().st_mode & 0o777 == 0o644


def test_a_transmission_that_has_the_port_is_left_alone(house: House) -> None:
    house.peer_port = 40000
    house.refresh(0)
    assert house.happened() == ["barrier 40000"]


def test_without_transmission_the_port_is_set_nowhere(house: House) -> None:
    house.forwarding.has_transmission = False
    assert house.refresh(0) == "the provider forwards port 40000"
    assert house.forwarding.settled
    assert house.happened() == ["barrier 40000"]


def test_no_request_is_sent_before_the_time(held: House) -> None:
    assert held.refresh(44.9) is None
    assert held.asked == [natpmp.ANY_PORT]
    assert len(held.lines) == 1


def test_an_unchanged_refresh_changes_nothing(held: House) -> None:
    for after in (45, 90, 135):
        assert held.refresh(after) is None
        assert held.asked[1:] == [40000] * (after // 45)
        assert json.loads(held.path.read_text()) == {"port": 40000, "until": START + after + 60}
    assert held.happened() == []


def test_a_refresh_prolongs_the_lease(held: House) -> None:
    held.refresh(45)
    assert held.expire(104.9) is None
    assert held.lease() == 40000
    assert held.expire(105) is not None


@pytest.mark.parametrize(("lifetime", "again"), [(60, 45), (3600, 45), (20, 15), (4, 3)])
def test_a_short_lease_is_refreshed_sooner_and_a_long_one_is_not_forgotten(
    house: House, lifetime: int, again: int
) -> None:
    house.lifetime = lifetime
    house.refresh(0)
    house.refresh(again - 0.1)
    assert len(house.asked) == 1
    house.refresh(again)
    assert len(house.asked) == 2


def test_another_port_than_the_one_held_takes_its_place(held: House) -> None:
    held.granted = 40007
    assert held.refresh(45) == "the provider forwards port 40007"
    assert held.happened() == ["barrier 40007", "told 40007"]
    assert held.lease() == 40007
    held.refresh(90)
    assert held.asked == [natpmp.ANY_PORT, 40000, 40007]


def test_a_lease_that_was_not_there_meanwhile_is_opened_again(held: House) -> None:
    """A program that wrote the barrier in between has closed its port."""
    held.path.unlink()
    held.refresh(45)
    assert held.happened() == ["barrier 40000"]
    assert held.lease() == 40000


def test_a_port_set_by_hand_in_transmission_is_put_right_at_the_next_refresh(held: House) -> None:
    held.peer_port = 51413
    held.refresh(45)
    assert held.happened() == ["told 40000"]


def test_a_refusal_keeps_the_lease_until_it_has_ended(held: House) -> None:
    held.refusal = 3
    with pytest.raises(NatPmpError, match="result 3"):
        held.refresh(45)
    assert (held.lease(), held.happened()) == (40000, [])
    assert held.refresh(59.9) is None
    assert held.lease() == 40000
    assert held.refresh(60) == "the forwarded port is closed, because its lease has ended"
    assert (held.lease(), held.happened()) == (0, ["barrier 0"])
    with pytest.raises(NatPmpError):
        held.refresh(65)
    assert held.asked == [natpmp.ANY_PORT, 40000, natpmp.ANY_PORT]
    assert held.happened() == []


def test_a_refusal_is_asked_about_again_after_20_s(house: House) -> None:
    house.refusal = 4
    for after, asked in ((0, 1), (20, 2)):
        with pytest.raises(NatPmpError):
            house.refresh(after)
        assert house.refresh(after + 19.9) is None
        assert len(house.asked) == asked
    assert (house.lease(), house.happened()) == (0, [])
    house.refusal = 0
    assert house.refresh(40) == "the provider forwards port 40000"


def test_a_refusal_after_the_end_closes_and_raises(held: House) -> None:
    held.refusal = 2
    with pytest.raises(NatPmpError):
        held.refresh(300)
    assert (held.lease(), held.happened()) == (0, ["barrier 0"])


def test_no_socket_in_the_tunnel_is_no_reason_to_close_before_the_time(held: House) -> None:
    def make() -> socket.socket:
        raise OSError("no such device")

    with pytest.raises(OSError, match="no such device"):
        held.forwarding.refresh(make, START + 45)
    assert (held.lease(), held.happened()) == (40000, [])


def test_without_a_tunnel_the_port_is_closed_once_and_at_its_end(held: House) -> None:
    assert held.expire(59.9) is None
    assert held.lease() == 40000
    assert held.expire(60) == "the forwarded port is closed, because its lease has ended"
    assert held.expire(61) is None
    assert (held.lease(), held.happened()) == (0, ["barrier 0"])
    assert held.refresh(61) == "the provider forwards port 40000"
    assert held.happened() == ["barrier 40000"]


def test_a_lease_of_an_earlier_process_ends_when_it_cannot_be_prolonged(house: House) -> None:
    house.path.parent.mkdir()
    house.path.write_text('{"port": 40000}')
    house.refusal = 3
    with pytest.raises(NatPmpError):
        house.refresh(0)
    assert (house.lease(), house.happened()) == (0, ["barrier 0"])


def test_a_lease_of_an_earlier_process_counts_until_its_end_and_is_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "forwarded.json"
    path.write_text(json.dumps({"port": 40000, "until": START + 30}))
    house = House(path)
    assert house.forwarding.expire(START + 29.9) is None
    house.refresh(1)
    assert house.asked == [40000]
    house = House(path)
    assert house.forwarding.expire(START + 60.9) is None
    assert house.forwarding.expire(START + 61) == "the forwarded port is closed, because its lease has ended"
    assert house.happened() == ["barrier 0"]


def test_a_port_of_a_ui_is_never_opened(house: House) -> None:
    house.granted = UI
    with pytest.raises(NatPmpError, match="port 9091, which must stay closed"):
        house.refresh(0)
    assert (house.lease(), house.happened(), house.peer_port) == (0, [], 51413)


def test_a_port_of_a_ui_does_not_replace_the_one_held(held: House) -> None:
    held.granted = UI
    with pytest.raises(NatPmpError):
        held.refresh(45)
    assert (held.lease(), held.happened(), held.peer_port) == (40000, [], 40000)


def test_a_silent_transmission_is_reported_20_s_later_and_the_lease_is_kept(house: House) -> None:
    house.silent = True
    with pytest.raises(Unreachable, match="connection refused"):
        house.refresh(0)
    assert (house.lease(), house.happened()) == (40000, ["barrier 40000"])
    house.silent = False
    assert house.refresh(19.9) is None
    house.refresh(20)
    assert house.happened() == ["told 40000"]
    assert house.refresh(64.9) is None
    assert house.asked == [natpmp.ANY_PORT, 40000]


def test_a_transmission_that_stays_silent_does_not_cost_the_lease(house: House) -> None:
    house.silent = True
    for after in range(0, 200, 20):
        with pytest.raises(Unreachable, match="connection refused"):
            house.refresh(after)
    assert (house.lease(), house.happened()) == (40000, ["barrier 40000"])


def test_a_barrier_that_could_not_follow_is_asked_again(house: House) -> None:
    house.broken = True
    with pytest.raises(GatewayError):
        house.refresh(0)
    house.broken = False
    house.refresh(20)
    assert house.happened() == ["barrier 40000", "barrier 40000", "told 40000"]
    house.refresh(65)
    assert house.happened() == []


def test_a_port_that_could_not_be_closed_is_closed_later(held: House) -> None:
    held.broken = True
    with pytest.raises(GatewayError):
        held.expire(60)
    held.broken = False
    held.expire(61)
    assert held.happened() == ["barrier 0", "barrier 0"]
    held.expire(62)
    assert held.happened() == []


def test_a_barrier_that_does_not_follow_is_a_complaint_said_once(
    held: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it is raised, the monitor would not come to its repairs."""
    settings = Settings.from_json(json.dumps(CONFIGURED))
    held.broken = True
    port = torrents.ForwardedPort(tmp_path, Repairs(tmp_path), held.forwarding)
    for after in (60, 61, 62):
        held.now = START + after
        assert not port.refresh(settings, held.now, None)
    assert capsys.readouterr().out == "no port is forwarded: container vpn did not reload its files\n"
    held.broken = False
    assert port.refresh(settings, START + 63, None)
    assert capsys.readouterr().out == "the forwarded port is closed, because its lease has ended\n"


def test_a_complaint_is_not_said_again_with_each_question(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.from_json(json.dumps(CONFIGURED))
    port = torrents.ForwardedPort(tmp_path, Repairs(tmp_path), house.forwarding)
    house.refusal = 4
    for house.now in (START, START + 1, START + 20, START + 21, START + 40):
        port.refresh(settings, house.now, house.make)
    assert capsys.readouterr().out.count("no port is forwarded: ") == 1
    house.refusal = 0
    assert port.refresh(settings, START + 60, house.make)
    house.refusal = 4
    port.refresh(settings, START + 105, house.make)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "the provider forwards port 40000"
    assert said[1].startswith("no port is forwarded: ")


def test_without_natpmp_no_request_is_sent(house: House, tmp_path: Path) -> None:
    port = torrents.ForwardedPort(tmp_path, Repairs(tmp_path), house.forwarding)
    assert not port.refresh(Settings.from_json(json.dumps(CONFIGURED | {"natpmp_server": ""})), START, house.make)
    assert house.asked == []


@pytest.fixture
def responder() -> Iterator[Callable[[socket.socket, str, bytes], bytes]]:
    """Ask a provider on loopback, which grants port 40000 with both protocols, once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(5)

        def work() -> None:
            for _ in range(2):
                request, client = line.recvfrom(100)
                line.sendto(grant(request, 40000), client)

        thread = threading.Thread(target=work)
        thread.start()
        port = line.getsockname()[1]
        yield lambda asking, server, request: natpmp.udp_exchange(asking, server, request, port=port)
        thread.join()


def test_a_port_is_had_and_told_over_real_sockets(
    tmp_path: Path, responder: Callable[[socket.socket, str, bytes], bytes]
) -> None:
    path = tmp_path / "forwarded.json"
    opened: list[int] = []
    house = House(path)
    house.forwarding.server, house.forwarding.exchange = "127.0.0.1", responder
    house.forwarding.changed = lambda: opened.append(leased_port(path, START))
    house.refresh(0)
    assert (opened, house.peer_port) == ([40000], 40000)
