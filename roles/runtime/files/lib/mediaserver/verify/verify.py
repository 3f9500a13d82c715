# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn-verify: shows on the running host that nothing leaves past the tunnel. Changes nothing but drop counters.

Each check says in plain words what was seen, and on failure what to do. The packets that must not get out go to an
address of the documentation range (RFC 5737), and carry a random word that is looked for on every interface.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import http.client
import ipaddress
import re
import secrets
import select
import socket
import struct
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediaserver import services
from mediaserver._core import files, sockets
from mediaserver._core.docker import SERVICE_LABEL, DockerClient, label
from mediaserver._core.errors import CheckFailed, MediaserverError, reason
from mediaserver._core.names import (
    BARRIER_UNIT,
    DOCKER_UNIT,
    HOLDER,
    INNER_TABLE,
    KEEPER_UNIT,
    MONITOR_UNIT,
    OUTER_TABLE,
    PROJECT,
    STACK_UNIT,
    TUNNEL_DEVICE,
    UPLINK,
    VERIFY_LOCK,
    VPN_BRIDGE,
)
from mediaserver.docker import compose
from mediaserver.firewall.nft import Nft
from mediaserver.monitor import host_settings
from mediaserver.monitor.problems import Code
from mediaserver.services import Service
from mediaserver.tunnel import mtu, netns
from mediaserver.tunnel.gateway import Gateway, Host, look_up_nothing
from mediaserver.verify import status

NOWHERE = "192.0.2.1"
NOT_TRIED = "not tried, because no service with curl lives in the VPN namespace"
PORT = 9
TIMEOUT_S, DRAIN_S = 10.0, 2.0
# For a tunnel that vpn-monitor is just restarting.
TUNNEL_WAIT_S = 10.0
# Where an interface of the host is the namespace's own side of the wall, and not beyond it.
INSIDE = re.compile(rf"{re.escape(VPN_BRIDGE)}|veth.*|lo")
ETH_P_ALL = 3
MISSING = {
    TUNNEL_DEVICE: f"tunnel interface ({TUNNEL_DEVICE}) in the VPN namespace, so no name can be looked up in it. "
    "Container wireguard makes it; its log says why it did not: docker logs mediaserver-wireguard-1",
    UPLINK: f"uplink ({UPLINK}) in the VPN namespace. Have it made again: systemctl restart mediaserver",
}


@dataclass(frozen=True)
class Verification:
    """The checks, on one project folder's gateway."""

    root: Path
    address_page: str
    target: str

    def checks(self) -> dict[str, Callable[[], str]]:
        return {
            "services": self.services,
            "host": self.host,
            "barriers": self.barriers,
            "namespace": self.namespace,
            "way out": self.way_out,
            "names": self.names,
            "packet size": self.packet_size,
            "inner barrier": self.inner_barrier,
            "outer barrier": self.outer_barrier,
        }

    def services(self) -> str:
        units = (BARRIER_UNIT, KEEPER_UNIT, DOCKER_UNIT, STACK_UNIT, MONITOR_UNIT)
        down = [unit for unit in units if run("systemctl", "is-active", "--quiet", unit).returncode != 0]
        if down:
            raise CheckFailed(f"not running: {', '.join(down)}; see: journalctl --unit {down[0]}")
        return "barrier, Docker, media server and its monitor run"

    def host(self) -> str:
        settings = Gateway(self.root, resolve=look_up_nothing).settings
        off = host_settings.forwarding_off()
        found = [f"IPv4 forwarding is off on this host ({', '.join(off)}); run the playbook again"] if off else []
        found += [problem.text for problem in host_settings.look(settings.lan)]
        if found:
            raise CheckFailed("; ".join(found))
        return "it forwards, Docker makes its rules, and the LAN is in mediaserver_lan"

    def barriers(self) -> str:
        differences = Gateway(self.root, resolve=look_up_nothing).differences(Host())
        if differences:
            raise CheckFailed(f"not as configured: {'; '.join(differences)}. Run the playbook again")
        if Nft().fingerprint(INNER_TABLE) is not None:
            raise CheckFailed(f"the namespace's own table is loaded on the host; restart {STACK_UNIT}")
        return "files and the host's table are as configured"

    def namespace(self) -> str:
        rows = {label(row, SERVICE_LABEL): row for row in DockerClient().services(PROJECT)}
        asked = run("docker", "compose", "--project-directory", str(self.root), "config", "--services")
        if asked.returncode != 0 or not asked.stdout:
            raise CheckFailed(self._why_not_read(asked.stderr))
        states = dict.fromkeys(asked.stdout.split(), "missing") | {name: row["State"] for name, row in rows.items()}
        stopped = [f"{name} {state}" for name, state in states.items() if state != "running"]
        if stopped:
            raise CheckFailed(
                f"not running: {', '.join(stopped)}; vpn-monitor should start them: journalctl -u vpn-monitor"
            )
        # The holder is healthy when its table is as it was loaded, the tunnel when the interface is as its files say.
        ill = [name for name, row in rows.items() if "(unhealthy)" in row["Status"]]
        if ill:
            first = rows[ill[0]]["Names"][0].lstrip("/")
            raise CheckFailed(
                f"not healthy: {', '.join(ill)}; what is wrong: docker inspect {first} (State.Health.Log)"
            )
        show, tunnel = ("nsenter", f"--net=/proc/{pid_of(HOLDER)}/ns/net", "ip"), [["default", "dev", TUNNEL_DEVICE]]
        # Not every tunnel carries IPv6.
        for family, wanted in (("-4", [tunnel]), ("-6", [tunnel, []])):
            routes = run(*show, family, "route", "show", "default").stdout
            if [route.split()[:3] for route in routes.splitlines()] not in wanted:
                raise CheckFailed(
                    f"the way out of the VPN namespace is {routes.strip() or 'none'}, and should be the tunnel"
                )
        return "all containers run and are healthy, and the namespace's only way out is the tunnel"

    def _why_not_read(self, error: str) -> str:
        """Say which of the compose files compose cannot read: ours, or the household's own."""
        ours, own = self.root / compose.FILE, compose.override(self.root)
        alone = ("docker", "compose", "--project-directory", str(self.root), "--file", str(ours), "config", "--quiet")
        if own and run(*alone).returncode == 0:
            return f"compose cannot read {own}: {' '.join(error.split())}. Correct that file or remove it"
        return f"compose cannot read {ours}; run the playbook again"

    def way_out(self) -> str:
        if not is_page(self.address_page):
            raise CheckFailed(
                f"{self.address_page!r} is not the address of a page; it must begin with http:// or https://"
            )
        service = self._prober()
        if service is None:
            return NOT_TRIED
        page = ["curl", "--ipv4", "--silent", "--fail", "--max-time", f"{TIMEOUT_S:g}", self.address_page]
        through = run("docker", "exec", container_of(service.name), *page).stdout.strip()
        if not _is_address(through):
            raise CheckFailed(self._why_not_through())
        try:
            direct = ask_over_ipv4(self.address_page)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise CheckFailed(
                f"{self.address_page} is not reached from the host itself, so there is nothing to compare: "
                f"{reason(error)}"
            ) from error
        if not _is_address(direct):
            raise CheckFailed(
                f"{self.address_page} does not answer the host with an address, so there is nothing to compare"
            )
        if through == direct:
            raise CheckFailed(f"{service.title} is seen on the internet as {through}, the host's own address")
        return f"the internet sees {through} from {service.title}, and {direct} from the host itself"

    def _prober(self) -> Service | None:
        return services.prober(Gateway(self.root, resolve=look_up_nothing).settings.services)

    def _why_not_through(self) -> str:
        """Say why the page is not reached: the tunnel, its resolver, or the page."""
        found = status.look(self.root, TUNNEL_WAIT_S)
        if not found.up or found.problems:
            return f"{self.address_page} is not reached through the tunnel: {found.problems[0].text}"
        return (
            f"{self.address_page} is not reached through the tunnel, which is up; see whether that page answers, "
            "or set another one in gateway_address_page"
        )

    def names(self) -> str:
        service = self._prober()
        if service is None:
            return NOT_TRIED
        word = f"verify-{secrets.token_hex(6)}"
        pid = pid_of(HOLDER)
        with open_inside(pid, TUNNEL_DEVICE, listen) as tunnel, beyond_the_wall() as outside:
            ask = ("curl", "--silent", "--max-time", "5", f"http://{word}.example.com/")
            run("docker", "exec", container_of(service.name), *ask)
            if not appears(word, [tunnel]):
                raise CheckFailed(f"a name that {service.title} looked up did not go into the tunnel; "
                             "is another resolver set than the provider's (gateway_dns)?")  # fmt: skip
            if appears(word, outside, wait=0):
                raise CheckFailed(f"a name that {service.title} looked up was seen in clear outside the tunnel")
        found = status.look(self.root, TUNNEL_WAIT_S)
        if found.problems and (not found.up or found.problems[0].code is Code.RESOLVER_DEAD):
            raise CheckFailed(found.problems[0].text)
        return "names are looked up in the tunnel, and cannot be read outside of it"

    def packet_size(self) -> str:
        wanted = Gateway(self.root, resolve=look_up_nothing).settings.mtu
        works = status.packet_size(self.root)
        if works is None:
            raise CheckFailed("no packet of any size is answered in the tunnel, so its packet size cannot be checked")
        if works != wanted:
            raise CheckFailed(mtu.problem(wanted, works).text)
        return f"packets of {wanted} bytes go through the tunnel"

    def inner_barrier(self) -> str:
        pid, word = pid_of(HOLDER), f"verify-{secrets.token_hex(6)}"
        nft = netns.inside(pid, Nft)
        before = attempts(nft, INNER_TABLE)
        with beyond_the_wall() as outside:
            try:
                with open_inside(pid, UPLINK, sockets.udp) as line:
                    line.sendto(word.encode(), (self.target, PORT))
                raise CheckFailed("a program inside could send by the uplink; run the playbook again")
            except PermissionError:
                pass  # what the barrier answers
            if appears(word, outside):
                raise CheckFailed("a packet that a program inside sent by the uplink got out")
        counted = attempts(nft, INNER_TABLE) - before
        if counted < 1:
            raise CheckFailed(
                "a packet by the uplink was refused, but not by the inner barrier: it has counted nothing"
            )
        return "a packet that a program inside sent by the uplink was dropped and counted"

    def outer_barrier(self) -> str:
        pid, word, nft = pid_of(HOLDER), f"verify-{secrets.token_hex(6)}", Nft()
        before = attempts(nft, OUTER_TABLE)
        own = Gateway(self.root, resolve=look_up_nothing).settings.holder_address
        to = address_of(VPN_BRIDGE)
        with beyond_the_wall() as outside:
            with open_inside(pid, UPLINK, listen) as line:
                line.send(to + line.getsockname()[4] + b"\x08\x00" + datagram(own, self.target, word.encode()))
            if appears(word, outside):
                raise CheckFailed("a packet that went past the inner barrier got out of the host")
        if attempts(nft, OUTER_TABLE) - before < 1:
            raise CheckFailed("a packet that went past the inner barrier did not come to the outer one's counter")
        return "a packet that went past the inner barrier was dropped and counted by the outer one"


def is_page(url: str) -> bool:
    try:
        where = urllib.parse.urlsplit(url)
        return where.scheme in ("http", "https") and bool(where.hostname) and where.port != 0
    except ValueError:
        return False


def ask_over_ipv4(url: str) -> str:
    """Return what a page says to this host itself. Raises OSError, HTTPException, ValueError for no good answer."""
    where = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    # Bound to an address of IPv4, it cannot go by IPv6, which would always be another address than Transmission's.
    line = kind(where.hostname or "", where.port, timeout=TIMEOUT_S, source_address=("0.0.0.0", 0))
    with contextlib.closing(line):
        line.request("GET", f"{where.path or '/'}{'?' if where.query else ''}{where.query}")
        answer = line.getresponse()
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        return answer.read(1000).decode(errors="replace").strip()


def container_of(service: str) -> str:
    """Return the id of a service's running container. Raises CheckFailed when it has none, DockerError."""
    found = DockerClient().service(PROJECT, service)
    if found is None or found["State"] != "running":
        raise CheckFailed(f"service {service} does not run; see: journalctl --unit {MONITOR_UNIT}")
    return str(found["Id"])


def pid_of(service: str) -> int:
    """Raises CheckFailed when the service's container does not run, DockerError."""
    found = DockerClient().details(container_of(service))
    pid = int(found["State"]["Pid"]) if found else 0
    if pid <= 0:
        raise CheckFailed(f"service {service} does not run; see: journalctl --unit {MONITOR_UNIT}")
    return pid


def address_of(device: str) -> bytes:
    """Return the hardware address of an interface of the host. Raises CheckFailed where there is none."""
    try:
        text = Path(f"/sys/class/net/{device}/address").read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise CheckFailed(f"Docker's bridge {device} is missing; restart Docker: systemctl restart docker") from error
    return bytes.fromhex(text.strip().replace(":", ""))


def attempts(nft: Nft, table: str) -> int:
    """Return how many packets a table has dropped on their way out."""
    found = nft.leak_attempts(table)
    if found is None:
        raise CheckFailed(f"table inet {table} does not stand; run the playbook again")
    return found


def open_inside(pid: int, device: str, make: Callable[[str], socket.socket]) -> socket.socket:
    """Return a socket on an interface of the VPN namespace. Raises CheckFailed where that is missing, OSError."""
    try:
        return netns.inside(pid, lambda: make(device))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        raise CheckFailed(f"there is no {MISSING[device]}") from error


def listen(device: str) -> socket.socket:
    """Return a socket that sees every frame of an interface of this namespace (packet(7))."""
    line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    try:
        line.bind((device, ETH_P_ALL))
    except OSError:
        line.close()
        raise
    return line


@contextlib.contextmanager
def beyond_the_wall() -> Iterator[list[socket.socket]]:
    """Listen on every interface of the host behind the barriers."""
    with contextlib.ExitStack() as stack:
        names = [name for _unused, name in socket.if_nameindex() if not INSIDE.fullmatch(name) and is_up(name)]
        lines = []
        for name in names:
            with contextlib.suppress(OSError):  # one that has just gone carries nothing
                lines.append(stack.enter_context(listen(name)))
        yield lines


def is_up(name: str) -> bool:
    """Say whether an interface can carry anything (IFF_UP, netdevice(7)); one that is down cannot even be heard."""
    try:
        return bool(int(Path(f"/sys/class/net/{name}/flags").read_text(encoding="ascii"), 16) & 1)
    except FileNotFoundError:
        return False  # it has just gone


def appears(word: str, lines: Sequence[socket.socket], *, wait: float = 1.5) -> bool:
    """Say whether a frame with this word comes by within ``wait`` seconds; what waits by then is still looked at."""
    deadline = time.monotonic() + wait
    # A busy line is never empty; what had come by the deadline is read long before this.
    end = deadline + DRAIN_S
    while time.monotonic() < end and (ready := select.select(lines, [], [], max(0.0, deadline - time.monotonic()))[0]):
        for line in ready:
            if word.encode() in line.recv(65536):
                return True
    return False


def datagram(source: str, target: str, data: bytes) -> bytes:
    """Return an IPv4 packet with UDP in it, without UDP's optional checksum (RFC 791, RFC 768)."""
    udp = struct.pack("!HHHH", PORT, PORT, 8 + len(data), 0) + data
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0) + ends
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + head[12:] + udp


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def in_words(error: Exception) -> str:
    """Return what a check found, or why it could not be made, without the numbers and reprs of Python's own texts."""
    if isinstance(error, subprocess.TimeoutExpired):
        command = error.cmd if isinstance(error.cmd, str) else " ".join(map(str, error.cmd))
        return f"it could not be checked: {command} has not ended after {error.timeout:g} s"
    if isinstance(error, OSError):
        return f"it could not be checked: {reason(error)}"
    return str(error)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def main(
    arguments: Sequence[str],
    *,
    root: Path,
    checks: Callable[[Verification], dict[str, Callable[[], str]]] = Verification.checks,
    lock: Path = VERIFY_LOCK,
) -> int:
    """Do every check, print a line for each; return how many failed, 100 at the most."""
    parser = argparse.ArgumentParser(prog="vpn-verify", description="Shows that nothing leaves past the tunnel.")
    parser.add_argument("--address-page", required=True, metavar="URL", help="answers with the caller's address")
    parser.add_argument("--target", default=NOWHERE, metavar="IPV4", help="where the packets go that must not get out")
    chosen = parser.parse_args(arguments)
    try:
        with contextlib.ExitStack() as stack:
            # Each counts the packets that the barriers drop meanwhile; those of another one would pass for its own.
            if lock.parent.is_dir():
                stack.enter_context(files.locked(lock))
            return _verify(checks(Verification(root, chosen.address_page, chosen.target)))
    except OSError as error:
        print(f"vpn-verify: {lock} cannot be used: {error}; it has to run as root", file=sys.stderr)
        return 1


def _verify(checks: dict[str, Callable[[], str]]) -> int:
    failed = 0
    for name, check in checks.items():
        try:
            print(f"ok    {name}: {check()}")
        except (MediaserverError, OSError, ValueError, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"FAIL  {name}: {in_words(error)}")
    print(
        f"{failed} of the checks failed" if failed else "all checks passed", file=sys.stderr if failed else sys.stdout
    )
    return min(failed, 100)
