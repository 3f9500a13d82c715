# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn-verify without a running host: its packet, its captures, its counters and its checks."""

from __future__ import annotations

import contextlib
import errno
import http.server
import re
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from mediaserver._core import sockets
from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import CheckFailed, DockerError, GatewayError
from mediaserver.firewall.nft import Nft
from mediaserver.monitor.problems import Code, Problem
from mediaserver.services import UNLISTED, Service
from mediaserver.tunnel import netns
from mediaserver.verify import checks, packets, probes, verify
from mediaserver.verify.checks import Verification
from mediaserver.verify.status import Status

JACKETT = Service("jackett", "Jackett", "vpn", probe=True)
LISTING = """table inet mediaserver_barrier {
	counter leak_attempts_in {
		packets 99 bytes 9900
	}

	counter leak_attempts_out {
		packets 12 bytes 1008
	}
}
"""


def configured(
    monkeypatch: pytest.MonkeyPatch,
    *lan: str,
    page: str = "http://page/",
    services: tuple[Service, ...] = UNLISTED,
) -> Verification:
    class Known:
        def __init__(self, root: Path, *, resolve: object) -> None:
            self.settings = SimpleNamespace(lan=lan, mtu=1420, services=services)

    monkeypatch.setattr(checks, "Gateway", Known)
    return Verification(Path("/nowhere"), page, checks.NOWHERE)


def folded(data: bytes) -> int:
    """Sum 16-bit words in ones' complement (RFC 1071); a header with its checksum gives all ones."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@given(some.ip_addresses(v=4), some.ip_addresses(v=4), some.binary(max_size=1400))
def test_the_packet_is_one_that_a_router_would_carry(source: Any, target: Any, data: bytes) -> None:
    packet = packets.datagram(str(source), str(target), data)
    assert folded(packet[:20]) == 0xFFFF
    version, _, length, _, fragment, ttl, protocol, _ = struct.unpack("!BBHHHBBH", packet[:12])
    assert (version, length, fragment, protocol) == (0x45, len(packet), 0, socket.IPPROTO_UDP)
    assert ttl > 1
    assert (packet[12:16], packet[16:20]) == (source.packed, target.packed)
    assert struct.unpack("!HHHH", packet[20:28]) == (packets.PORT, packets.PORT, 8 + len(data), 0)
    assert packet[28:] == data


def test_the_checksum_is_that_of_a_known_header() -> None:
    # 4500+0020+0000+0000+4011+c000+0201+c633+6407 = 2_716c, folded 716e, complement 8e91.
    assert packets.datagram("192.0.2.1", "198.51.100.7", b"four")[10:12].hex() == "8e91"


@contextlib.contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        yield ours, theirs


def test_a_word_is_found_on_any_line_behind_other_frames() -> None:
    with pair() as (first, quiet), pair() as (second, busy):
        del quiet
        for frame in (b"other", b"", b"\0\xffverify-ab\xff", b"more"):
            busy.send(frame)
        assert packets.appears("verify-ab", [first, second], wait=5)


def test_a_word_that_came_before_is_found_without_waiting() -> None:
    with pair() as (line, other):
        for frame in (*[b"noise"] * 5, b"verify-ab"):
            other.send(frame)
        assert packets.appears("verify-ab", [line], wait=0)


def test_a_word_that_comes_later_is_waited_for() -> None:
    with pair() as (line, other):
        timer = threading.Timer(0.2, other.send, [b"a verify-ab b"])
        timer.start()
        assert packets.appears("verify-ab", [line], wait=5)
        timer.join()


@pytest.mark.parametrize("frames", [[], [b"verify-a", b"b", b"VERIFY-AB"]])
def test_silence_and_other_words_end_in_time(frames: list[bytes]) -> None:
    with pair() as (line, other):
        for frame in frames:
            other.send(frame)
        begun = time.monotonic()
        assert not packets.appears("verify-ab", [line], wait=0.2)
        assert 0.2 <= time.monotonic() - begun < 1


def test_a_busy_line_is_not_watched_forever() -> None:
    class Busy(socket.socket):
        """Has the next frame ready whenever one is taken, up to a time at which the test has failed."""

        frames = 0

        def recv(self, *_: Any) -> bytes:
            self.frames += 1
            if time.monotonic() > begun + 10:
                super().recv(100)
            return b"noise"

    begun = time.monotonic()
    with pair() as (line, other), Busy(fileno=line.detach()) as busy:
        other.send(b"noise")
        assert not packets.appears("verify-ab", [busy], wait=0.1)
        assert busy.frames > 1
    assert time.monotonic() - begun < 5


def counter(listing: str | None) -> Nft:
    class Fake(Nft):
        def __init__(self) -> None: ...

        def listing(self, family: str, table: str) -> str | None:
            assert (family, table) == ("inet", "mediaserver_barrier")
            return listing

    return Fake()


def test_what_was_dropped_on_its_way_out_is_counted_and_nothing_else() -> None:
    assert probes.leak_attempts(counter(LISTING), "mediaserver_barrier") == 12


@pytest.mark.parametrize("listing", [None, "", LISTING.replace("_out", "_elsewhere")])
def test_no_table_and_no_counter_are_a_failure_and_not_0(listing: str | None) -> None:
    with pytest.raises(CheckFailed, match="table inet mediaserver_barrier is not loaded; run the playbook again"):
        probes.leak_attempts(counter(listing), "mediaserver_barrier")


def failing(error: Exception) -> Callable[[], str]:
    def check() -> str:
        raise error

    return check


def done(*checks: Callable[[], str]) -> int:
    found = {f"check {number}": check for number, check in enumerate(checks)}
    return verify.main(["--address-page", "http://page/"], root=Path("/nowhere"), checks=lambda _: found)


def test_all_well_is_a_line_each_and_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert done(lambda: "seen", lambda: "seen too") == 0
    assert capsys.readouterr() == ("ok    check 0: seen\nok    check 1: seen too\nall checks passed\n", "")


def test_every_failure_is_reported_and_the_rest_is_checked_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    errors = [
        CheckFailed("a packet got out"),
        GatewayError("gateway.json is missing"),
        PermissionError(1, "Operation not permitted"),
        subprocess.TimeoutExpired(["docker", "ps"], 60),
        ValueError("unknown url type: 'page'"),
        DockerError("Docker does not answer"),
    ]
    assert done(*map(failing, errors), lambda: "seen") == 6
    out, err = capsys.readouterr()
    words = [
        "a packet got out",
        "gateway.json is missing",
        "it could not be checked: Operation not permitted",
        "it could not be checked: docker ps has not ended after 60 s",
        "unknown url type: 'page'",
        "Docker does not answer",
    ]
    assert out.splitlines() == [
        *(f"FAIL  check {i}: {text}" for i, text in enumerate(words)),
        "ok    check 6: seen",
    ]
    assert err == "6 of the checks failed\n"


@pytest.mark.parametrize(("failures", "code"), [(1, 1), (100, 100), (101, 100), (256, 100)])
def test_the_exit_code_is_how_many_failed_and_never_becomes_0(
    failures: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert done(*[failing(CheckFailed("no"))] * failures) == code
    assert capsys.readouterr().err == f"{failures} of the checks failed\n"


def test_the_command_line_comes_to_the_checks() -> None:
    given_to: list[Verification] = []

    def none(verification: Verification) -> dict[str, Callable[[], str]]:
        given_to.append(verification)
        return {}

    verify.main(["--address-page", "http://page/"], root=Path("/a"), checks=none)
    verify.main(["--address-page", "http://page/", "--target", "198.51.100.7"], root=Path("/b"), checks=none)
    assert given_to == [
        Verification(Path("/a"), "http://page/", "192.0.2.1"),
        Verification(Path("/b"), "http://page/", "198.51.100.7"),
    ]
    with pytest.raises(SystemExit):
        verify.main([], root=Path("/a"), checks=none)


def test_every_check_has_a_name_and_is_made_once() -> None:
    verification = Verification(Path("/a"), "http://page/", checks.NOWHERE)
    made = [check.__name__ for check in verification.checks().values()]
    methods = [name for name in vars(Verification) if not name.startswith("_")]
    fields = {"root", "address_page", "target"}
    assert made == [name for name in methods if name != "checks" and name not in fields]


class Commands:
    """Stands for the programs that are run: what each prints, by the beginning of its command line."""

    def __init__(self, **printed: tuple[int, str]) -> None:
        self.printed = printed

    def __call__(self, *command: str) -> subprocess.CompletedProcess[str]:
        line = " ".join(command)
        for key, (code, text) in self.printed.items():
            if key.replace("_", " ") in line:
                return subprocess.CompletedProcess(command, code, text, "")
        return subprocess.CompletedProcess(command, 0, "", "")


class Docker(DockerClient):
    """Has these containers, whose process is ``pid``; 0 for one that does not run, None for one that has gone."""

    def __init__(self, *rows: dict[str, Any], pid: int | None = 42) -> None:
        super().__init__()
        self.rows, self.pid = rows, pid

    def services(self, project: str, *labels: str) -> list[dict[str, Any]]:
        assert project == "mediaserver"
        own = [{f"{name}={value}" for name, value in row["Labels"].items()} for row in self.rows]
        return [row for row, given in zip(self.rows, own, strict=True) if given.issuperset(labels)]

    def details(self, container: str) -> dict[str, Any] | None:
        assert container == "f00d"
        return None if self.pid is None else {"State": {"Pid": self.pid}}


def row(service: str, state: str = "running", status: str = "Up 5 minutes (healthy)") -> dict[str, Any]:
    labels = {"com.docker.compose.service": service}
    return {
        **{"Id": "f00d", "Names": [f"/mediaserver-{service}-1"], "Labels": labels},
        **{"State": state, "Status": status},
    }


def with_docker(monkeypatch: pytest.MonkeyPatch, docker: Docker) -> None:
    monkeypatch.setattr(probes, "DockerClient", lambda: docker)


def verified(monkeypatch: pytest.MonkeyPatch, **printed: tuple[int, str]) -> Verification:
    monkeypatch.setattr(checks, "run", Commands(**printed))
    return Verification(Path("/nowhere"), "http://127.0.0.1:9/", checks.NOWHERE)


def test_services_that_do_not_run_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    down = {"docker.service": (3, ""), "vpn-monitor.service": (3, "")}
    with pytest.raises(
        CheckFailed, match=r"^not running: docker\.service, vpn-monitor\.service; see: .*docker\.service$"
    ):
        verified(monkeypatch, **down).services()
    assert verified(monkeypatch).services()


ROUTE = "default dev wg0 scope link\n"
UP = Status(True, None, "vpn.example:51820", "198.18.0.20", ())
KEY = Problem(Code.KEY_OR_ENDPOINT, "the tunnel carries no traffic: a wrong or expired key is the most likely cause")
# Wrong, too, while the tunnel is up; it does not keep a service from a page.
OTHER_LAN = Problem(Code.LAN_NOT_COVERED, "this host is in 192.168.5.0/24, which mediaserver_lan does not have")
PAGE_ALONE = "tunnel, which is up; see whether that page answers, or set another one in gateway_address_page$"
DEAD_RESOLVER = Problem(Code.RESOLVER_DEAD, "the tunnel carries traffic, names do not resolve")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [row("vpn"), row("jellyfin", "exited", "Exited (0) 2 minutes ago")],
            r"^not running: jellyfin exited; ",
        ),
        ([row("jellyfin")], r"^not running: vpn missing; "),
        ([], r"^not running: vpn missing; "),
        (
            [row("vpn", status="Up 5 minutes (unhealthy)")],
            r"^not healthy: vpn; what is wrong: docker inspect mediaserver-vpn-1 \(S",
        ),
    ],
)
def test_a_service_that_does_not_run_or_is_not_healthy_fails(
    monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]], words: str
) -> None:
    verification = verified(monkeypatch, **{"config_--services": (0, "vpn\n"), "-4_route": (0, ROUTE)})
    with_docker(monkeypatch, Docker(*rows))
    with pytest.raises(CheckFailed, match=words):
        verification.namespace()


@pytest.mark.parametrize(
    ("different", "words"),
    [
        ({"config_--services": "vpn\njellyfin\n"}, r"^not running: jellyfin missing; "),
        ({"config_--services": ""}, r"^compose cannot read /nowhere/compose\.yml; run the playbook again"),
        (
            {"-4_route": ""},
            r"namespace is none, and should be the tunnel \(wg0\) alone; .* restart mediaserver\.service$",
        ),
        ({"-4_route": "default via 172.31.254.1 dev eth0\n"}, r"namespace is default via 172\.31\.254\.1 dev eth0"),
        ({"-4_route": ROUTE + "default via 172.31.254.1 dev eth0 metric 9\n"}, "metric 9, and should be"),
        ({"-6_route": "default via fd00::1 dev eth0 metric 1024 pref medium\n"}, "is default via fd00::1 dev eth0"),
    ],
)
def test_a_namespace_with_another_way_out_fails(
    monkeypatch: pytest.MonkeyPatch, different: dict[str, str], words: str
) -> None:
    def told(**different: str) -> dict[str, tuple[int, str]]:
        whole = {"config_--services": "vpn\n", "-4_route": ROUTE}
        return {key: (0, text) for key, text in (whole | different).items()}

    with_docker(monkeypatch, Docker(row("vpn")))
    with pytest.raises(CheckFailed, match=words):
        verified(monkeypatch, **told(**different)).namespace()
    assert verified(monkeypatch, **told()).namespace()
    assert verified(monkeypatch, **told(**{"-6_route": "default dev wg0 metric 1024 pref medium\n"})).namespace()


def test_an_override_that_compose_cannot_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_docker(monkeypatch, Docker(row("vpn")))
    monkeypatch.setattr(checks, "run", Commands(**{"config_--services": (1, "")}))
    verification = Verification(tmp_path, "http://127.0.0.1:9/", checks.NOWHERE)
    with pytest.raises(CheckFailed, match=r"/compose\.yml; run the playbook again$"):
        verification.namespace()
    own = tmp_path / "compose.override.yml"
    own.touch()
    with pytest.raises(CheckFailed, match=rf"^compose cannot read {re.escape(str(own))}: .*remove it$"):
        verification.namespace()
    monkeypatch.setattr(checks, "run", Commands(**{"compose": (1, "")}))
    with pytest.raises(CheckFailed, match=r"/compose\.yml; run the playbook again$"):
        verification.namespace()


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"tunnel"}, ""),
        (set(), "did not go into the tunnel"),
        ({"uplink"}, "did not go into the tunnel"),
        ({"tunnel", "uplink"}, "was seen in clear outside the tunnel, .*compose.override.yml.* SECURITY.md"),
    ],
    ids=["in the tunnel", "nowhere", "at the uplink", "in both"],
)
def test_a_name_must_be_looked_up_in_the_tunnel_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, seen: set[str], words: str
) -> None:
    with pair() as (tunnel, to_tunnel), pair() as (uplink, to_uplink):

        def run(*command: str) -> subprocess.CompletedProcess[str]:
            if command[:3] == ("docker", "exec", "f00d"):
                for name, end in (("tunnel", to_tunnel), ("uplink", to_uplink)):
                    if name in seen:
                        end.send(b"a question: " + command[-1].encode())
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(checks, "run", run)
        with_docker(monkeypatch, Docker(row("vpn"), row("transmission")))
        monkeypatch.setattr(netns, "inside", lambda pid, make: make())
        monkeypatch.setattr(checks, "listen", {"wg0": tunnel}.__getitem__)
        monkeypatch.setattr(checks, "sniff_host_interfaces", lambda: contextlib.nullcontext([uplink]))
        monkeypatch.setattr(checks.status, "observe", lambda root, wait: UP)
        names = configured(monkeypatch).names
        if not words:
            assert names() == "names are looked up in the tunnel, and cannot be read outside of it"
            return
        with pytest.raises(CheckFailed, match=words):
            names()


@pytest.mark.parametrize(("problem", "up"), [(DEAD_RESOLVER, True), (KEY, False)])
def test_a_name_that_is_asked_for_in_the_tunnel_and_not_answered_is_reported(
    monkeypatch: pytest.MonkeyPatch, problem: Problem, up: bool
) -> None:
    verified(monkeypatch)
    with_docker(monkeypatch, Docker(row("vpn"), row("transmission")))
    monkeypatch.setattr(netns, "inside", lambda pid, make: contextlib.nullcontext())
    monkeypatch.setattr(checks, "sniff_host_interfaces", lambda: contextlib.nullcontext([]))
    monkeypatch.setattr(checks, "appears", lambda word, lines, wait=1.5: bool(lines))
    monkeypatch.setattr(checks.status, "observe", lambda root, wait: Status(up, True, "", "", (problem,)))
    with pytest.raises(CheckFailed, match=f"^{problem.text}$"):
        configured(monkeypatch).names()


def test_names_pass_while_only_the_host_has_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    verified(monkeypatch)
    with_docker(monkeypatch, Docker(row("vpn"), row("transmission")))
    monkeypatch.setattr(netns, "inside", lambda pid, make: contextlib.nullcontext())
    monkeypatch.setattr(checks, "sniff_host_interfaces", lambda: contextlib.nullcontext([]))
    monkeypatch.setattr(checks, "appears", lambda word, lines, wait=1.5: bool(lines))
    monkeypatch.setattr(checks.status, "observe", lambda root, wait: replace(UP, problems=(OTHER_LAN,)))
    assert configured(monkeypatch).names() == "names are looked up in the tunnel, and cannot be read outside of it"


class Line:
    """A socket of the VPN namespace on which a packet is sent, unless the kernel refuses it."""

    def __init__(self, *, refused: bool) -> None:
        self.refused = refused

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None: ...

    def sendto(self, data: bytes, address: object) -> None:
        if self.refused:
            raise PermissionError(errno.EPERM, "Operation not permitted")

    def send(self, data: bytes) -> None: ...

    def getsockname(self) -> tuple[object, ...]:
        return ("eth0", 0, 0, 1, b"\2\0\0\0\0\1")


def tried(monkeypatch: pytest.MonkeyPatch, *, refused: bool, seen: bool, counted: int) -> Verification:
    """A namespace in which one packet is sent past a barrier, and what becomes of it."""
    counts = iter((10, 10 + counted))
    with_docker(monkeypatch, Docker(row("vpn")))
    monkeypatch.setattr(netns, "inside", lambda pid, make: None)
    monkeypatch.setattr(checks, "Nft", lambda: None)
    monkeypatch.setattr(checks, "address_of", lambda device: b"\2\0\0\0\0\2")
    monkeypatch.setattr(checks, "leak_attempts", lambda nft, table: next(counts))
    monkeypatch.setattr(checks, "open_inside", lambda pid, device, make: Line(refused=refused))
    monkeypatch.setattr(checks, "sniff_host_interfaces", lambda: contextlib.nullcontext([]))
    monkeypatch.setattr(checks, "appears", lambda word, lines, wait=1.5: seen)
    settings = SimpleNamespace(holder_address="172.31.254.2")
    monkeypatch.setattr(checks, "Gateway", lambda root, resolve: SimpleNamespace(settings=settings))
    return Verification(Path("/nowhere"), "http://page/", checks.NOWHERE)


@pytest.mark.parametrize(
    ("refused", "seen", "counted", "words"),
    [
        (True, False, 1, ""),
        (False, False, 1, "could send by the uplink; run the playbook again$"),
        (
            True,
            True,
            1,
            r"got out; stop the stack \(sudo systemctl stop mediaserver\.service\), and report it as SECURITY",
        ),
        (True, False, 0, r"it has counted nothing, .* Restart mediaserver\.service, .* run the playbook again$"),
    ],
    ids=["dropped and counted", "sent", "seen outside", "not counted"],
)
def test_what_the_inner_barrier_lets_pass_is_reported_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, refused: bool, seen: bool, counted: int, words: str
) -> None:
    verification = tried(monkeypatch, refused=refused, seen=seen, counted=counted)
    if not words:
        assert verification.inner_barrier().endswith("was dropped and counted")
        return
    with pytest.raises(CheckFailed, match=words):
        verification.inner_barrier()


@pytest.mark.parametrize(
    ("seen", "counted", "words"),
    [
        (False, 1, ""),
        (True, 1, r"got out of the host; stop the stack \(sudo systemctl stop mediaserver\.service\), and report it"),
        (False, 0, "was not counted by the outer one, which should drop and count it; run the playbook again$"),
    ],
    ids=["dropped and counted", "seen outside", "not counted"],
)
def test_what_the_outer_barrier_lets_pass_is_reported_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, seen: bool, counted: int, words: str
) -> None:
    verification = tried(monkeypatch, refused=False, seen=seen, counted=counted)
    if not words:
        assert verification.outer_barrier().endswith("was dropped and counted by the outer one")
        return
    with pytest.raises(CheckFailed, match=words):
        verification.outer_barrier()


@pytest.mark.parametrize(
    "docker",
    [
        Docker(),
        Docker(row("transmission")),
        Docker(row("vpn", "exited")),
        Docker(row("vpn"), pid=0),
        Docker(row("vpn"), pid=None),
    ],
    ids=["none", "another service", "stopped", "without a process", "gone meanwhile"],
)
def test_a_container_that_does_not_run_has_no_process(monkeypatch: pytest.MonkeyPatch, docker: Docker) -> None:
    with_docker(monkeypatch, docker)
    with pytest.raises(CheckFailed, match=r"service vpn does not run; see: journalctl --unit vpn-monitor\.service"):
        probes.pid_of("vpn")


def test_a_container_that_runs_has_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with_docker(monkeypatch, Docker(row("vpn"), pid=42))
    assert (probes.container_of("vpn"), probes.pid_of("vpn")) == ("f00d", 42)


@contextlib.contextmanager
def page(text: str | None, asked: list[str] | None = None) -> Iterator[str]:
    """A page on loopback that says ``text`` once, or nothing at all; hand out its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if asked is not None:
                asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}/ip?format=text"
        if text is None:
            server.server_close()
            yield address
            return
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("through", "direct", "words"),
    [
        ("", "203.0.113.9", "is not reached through the tunnel"),
        ("<html>", "203.0.113.9", "is not reached through the tunnel"),
        (
            "203.0.113.9\n",
            "203.0.113.9\n",
            r"as 203\.0\.113\.9, the host's own address, .*stop mediaserver\.service\), and report it",
        ),
        (
            "198.18.0.20\n",
            None,
            "is not reached from the host itself, so there is nothing to compare: .* page in gateway_address_page$",
        ),
        (
            "198.18.0.20\n",
            "<html>log in",
            "does not answer the host with an address, so there is nothing to compare; set a page in gateway_",
        ),
    ],
)
def test_the_way_out_fails_where_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch, through: str, direct: str | None, words: str
) -> None:
    with_docker(monkeypatch, Docker(row("transmission")))
    monkeypatch.setattr(checks, "run", Commands(docker_exec_f00d=(0, through)))
    monkeypatch.setattr(checks.status, "observe", lambda root, wait: UP)
    with page(direct) as address, pytest.raises(CheckFailed, match=words):
        configured(monkeypatch, page=address).way_out()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Status(False, True, "", "", (KEY,)), r"is not reached through the tunnel: .* key is the most likely cause"),
        (Status(True, None, "", "", (DEAD_RESOLVER,)), "is not reached through the tunnel: .* names do not resolve"),
        (UP, PAGE_ALONE),
        (replace(UP, problems=(OTHER_LAN,)), PAGE_ALONE),
    ],
)
def test_a_way_out_that_fails_names_the_likely_cause(
    monkeypatch: pytest.MonkeyPatch, found: Status, words: str
) -> None:
    with_docker(monkeypatch, Docker(row("transmission")))
    monkeypatch.setattr(checks, "run", Commands(docker_exec_f00d=(22, "")))
    monkeypatch.setattr(checks.status, "observe", lambda root, wait: found)
    with pytest.raises(CheckFailed, match=words):
        configured(monkeypatch).way_out()


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("wg0", r"there is no tunnel interface \(wg0\).*docker logs mediaserver-wireguard-1"),
        ("eth0", r"there is no uplink \(eth0\) in the VPN namespace"),
    ],
)
@pytest.mark.parametrize("kind", [packets.listen, sockets.udp])
def test_an_interface_that_is_missing_is_reported_in_plain_words(
    monkeypatch: pytest.MonkeyPatch, device: str, words: str, kind: Callable[[str], socket.socket]
) -> None:
    def missing(pid: int, make: Callable[[], socket.socket]) -> socket.socket:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(netns, "inside", missing)
    with pytest.raises(CheckFailed, match=words):
        probes.open_inside(42, device, kind)


def test_a_bridge_that_is_missing_is_reported_in_plain_words() -> None:
    with pytest.raises(CheckFailed, match=r"^Docker's bridge br-nowhere is missing; restart Docker"):
        probes.address_of("br-nowhere")


def test_what_is_wrong_with_the_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    verification = configured(monkeypatch, "10.0.0.0/8")
    off: tuple[str, ...] = ()
    found: tuple[Problem, ...] = ()
    monkeypatch.setattr(checks.host_settings, "forwarding_off", lambda: off)
    monkeypatch.setattr(checks.host_settings, "problems", lambda lan: found if lan == ("10.0.0.0/8",) else ())
    assert verification.host() == "IPv4 forwarding is on, Docker makes its rules, and the LAN is in mediaserver_lan"
    off = ("net.ipv4.ip_forward",)
    found = (Problem(Code.LAN_NOT_COVERED, "another router"),)
    words = r"^IPv4 forwarding is off on this host \(net\.ipv4\.ip_forward\); run the playbook again; another router$"
    with pytest.raises(CheckFailed, match=words):
        verification.host()


@pytest.mark.parametrize(
    ("works", "words"),
    [
        (1420, ""),
        (1232, "Set gateway_mtu: 1232 and run"),
        (None, "no packet of any size .*; correct what the checks 'way out'"),
    ],
)
def test_a_packet_size_that_does_not_go_through_is_named(
    monkeypatch: pytest.MonkeyPatch, works: int | None, words: str
) -> None:
    verification = configured(monkeypatch)
    monkeypatch.setattr(checks.status, "packet_size", lambda root: works)
    if not words:
        assert verification.packet_size() == "packets of 1420 bytes go through the tunnel"
        return
    with pytest.raises(CheckFailed, match=words):
        verification.packet_size()


@pytest.mark.parametrize("address", ["page", "", "file:///etc/hosts", "http://", "http://page:70000/", "http://[::1/"])
def test_what_is_not_the_address_of_a_page_is_refused_without_a_request(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(checks, "run", lambda *command: pytest.fail(f"asked {command}"))
    with pytest.raises(CheckFailed, match="is not the address of a page; it must begin with http"):
        configured(monkeypatch, page=address).way_out()


def test_two_addresses_are_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with_docker(monkeypatch, Docker(row("transmission")))
    monkeypatch.setattr(checks, "run", Commands(docker_exec_f00d=(0, "198.18.0.20\n")))
    asked: list[str] = []
    with page("203.0.113.9\n", asked) as address:
        told = configured(monkeypatch, page=address).way_out()
    assert asked == ["/ip?format=text"]
    assert told == "the internet sees 198.18.0.20 from Transmission, and 203.0.113.9 from the host itself"


def test_a_service_that_the_household_has_is_asked_from(monkeypatch: pytest.MonkeyPatch) -> None:
    services = (Service("jellyfin", "Jellyfin", "lan"), Service("quiet", "Quiet", "vpn"), JACKETT)
    with_docker(monkeypatch, Docker(row("jackett")))
    monkeypatch.setattr(checks, "run", Commands(docker_exec_f00d=(0, "198.18.0.20\n")))
    with page("203.0.113.9\n") as address:
        told = configured(monkeypatch, page=address, services=services).way_out()
    assert told == "the internet sees 198.18.0.20 from Jackett, and 203.0.113.9 from the host itself"


def test_where_no_service_can_ask_it_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "run", lambda *command: pytest.fail(f"asked {command}"))
    verification = configured(monkeypatch, services=(Service("jellyfin", "Jellyfin", "lan", probe=True),))
    assert verification.way_out() == verification.names() == checks.NOT_TRIED
