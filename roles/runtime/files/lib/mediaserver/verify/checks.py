# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of vpn-verify. Each returns what it found, or raises CheckFailed with what to do.

Packets that must not get out go to an address of the documentation range (RFC 5737). They carry a random word, which is
searched for on every interface.
"""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mediaserver import services
from mediaserver._core import sockets
from mediaserver._core.errors import CheckFailed, reason
from mediaserver._core.names import (
    BARRIER_UNIT,
    DOCKER_UNIT,
    HOLDER,
    INNER_TABLE,
    KEEPER_UNIT,
    MONITOR_UNIT,
    OUTER_TABLE,
    STACK_UNIT,
    TUNNEL_DEVICE,
    UPLINK,
    VPN_BRIDGE,
)
from mediaserver.docker import compose
from mediaserver.firewall.nft import Nft
from mediaserver.monitor import host_settings
from mediaserver.monitor.problems import Code
from mediaserver.services import Service
from mediaserver.tunnel import mtu, netns
from mediaserver.tunnel.gateway import Gateway, Host, look_up_nothing
from mediaserver.verify import imports, status
from mediaserver.verify.address_page import TIMEOUT_S, ask_over_ipv4, is_address, is_page
from mediaserver.verify.packets import PORT, appears, datagram, listen, sniff_host_interfaces
from mediaserver.verify.probes import address_of, container_of, leak_attempts, open_inside, pid_of, run, service_rows

NOWHERE = "192.0.2.1"
NOT_TRIED = "not tried, because no service with curl is in the VPN namespace"
# For a tunnel that vpn-monitor is just restarting.
TUNNEL_WAIT_S = 10.0
# For a leak past a barrier that is as configured: the collection has an error.
STOP_AND_REPORT = f"stop the stack (sudo systemctl stop {STACK_UNIT}), and report it as SECURITY.md says"


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
            "import": self.imports,
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
        found += [problem.text for problem in host_settings.problems(settings.lan)]
        if found:
            raise CheckFailed("; ".join(found))
        return "IPv4 forwarding is on, Docker makes its rules, and the LAN is in mediaserver_lan"

    def barriers(self) -> str:
        differences = Gateway(self.root, resolve=look_up_nothing).differences(Host())
        if differences:
            raise CheckFailed(f"not as configured: {'; '.join(differences)}. Run the playbook again")
        if Nft().fingerprint(INNER_TABLE) is not None:
            raise CheckFailed(f"the namespace's own table is loaded on the host; restart {STACK_UNIT}")
        return "files and the host's table are as configured"

    def namespace(self) -> str:
        rows = service_rows()
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
        unhealthy = [name for name, row in rows.items() if "(unhealthy)" in row["Status"]]
        if unhealthy:
            first = rows[unhealthy[0]]["Names"][0].lstrip("/")
            raise CheckFailed(
                f"not healthy: {', '.join(unhealthy)}; what is wrong: docker inspect {first} (State.Health.Log)"
            )
        show, tunnel = ("nsenter", f"--net=/proc/{pid_of(HOLDER)}/ns/net", "ip"), [["default", "dev", TUNNEL_DEVICE]]
        # Not every tunnel carries IPv6.
        for family, wanted in (("-4", [tunnel]), ("-6", [tunnel, []])):
            routes = run(*show, family, "route", "show", "default").stdout
            if [route.split()[:3] for route in routes.splitlines()] not in wanted:
                raise CheckFailed(
                    f"the way out of the VPN namespace is {routes.strip() or 'none'}, and should be the tunnel "
                    f"({TUNNEL_DEVICE}) alone; vpn-monitor should restore it: journalctl --unit {MONITOR_UNIT}. If "
                    f"it stays, restart {STACK_UNIT}"
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
        if not is_address(through):
            raise CheckFailed(self._why_not_through())
        try:
            direct = ask_over_ipv4(self.address_page)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise CheckFailed(
                f"{self.address_page} is not reached from the host itself, so there is nothing to compare: "
                f"{reason(error)}. See whether the host has internet, or set another page in gateway_address_page"
            ) from error
        if not is_address(direct):
            raise CheckFailed(
                f"{self.address_page} does not answer the host with an address, so there is nothing to compare; set a "
                "page in gateway_address_page that answers with the client's address and nothing else"
            )
        if through == direct:
            raise CheckFailed(
                f"{service.title} is seen on the internet as {through}, the host's own address, and should be seen "
                f"as the tunnel's; {STOP_AND_REPORT}"
            )
        return f"the internet sees {through} from {service.title}, and {direct} from the host itself"

    def _prober(self) -> Service | None:
        return services.prober(Gateway(self.root, resolve=look_up_nothing).settings.services)

    def _why_not_through(self) -> str:
        """Say why the page is not reached: the tunnel, its resolver, or the page."""
        if cause := _tunnel_fault(status.observe(self.root, TUNNEL_WAIT_S)):
            return f"{self.address_page} is not reached through the tunnel: {cause}"
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
        with open_inside(pid, TUNNEL_DEVICE, listen) as tunnel, sniff_host_interfaces() as outside:
            ask = ("curl", "--silent", "--max-time", "5", f"http://{word}.example.com/")
            run("docker", "exec", container_of(service.name), *ask)
            if not appears(word, [tunnel]):
                raise CheckFailed(
                    f"a name that {service.title} looked up did not go into the tunnel; "
                    "is another resolver set than the provider's (gateway_dns)?"
                )
            if appears(word, outside, wait=0):
                raise CheckFailed(
                    f"a name that {service.title} looked up was seen in clear outside the tunnel, and should be seen "
                    "in it alone. If your compose.override.yml sets dns: for a service, remove that and run the "
                    f"playbook again; otherwise {STOP_AND_REPORT}"
                )
        if cause := _tunnel_fault(status.observe(self.root, TUNNEL_WAIT_S)):
            raise CheckFailed(cause)
        return "names are looked up in the tunnel, and cannot be read outside of it"

    def packet_size(self) -> str:
        wanted = Gateway(self.root, resolve=look_up_nothing).settings.mtu
        works = status.packet_size(self.root)
        if works is None:
            raise CheckFailed(
                "no packet of any size is answered in the tunnel, so its packet size cannot be checked; correct what "
                "the checks 'way out' and 'names' report, then run make verify again"
            )
        if works != wanted:
            raise CheckFailed(mtu.problem(wanted, works).text)
        return f"packets of {wanted} bytes go through the tunnel"

    def inner_barrier(self) -> str:
        pid, word = pid_of(HOLDER), f"verify-{secrets.token_hex(6)}"
        nft = netns.inside(pid, Nft)
        before = leak_attempts(nft, INNER_TABLE)
        with sniff_host_interfaces() as outside:
            try:
                with open_inside(pid, UPLINK, sockets.udp) as line:
                    line.sendto(word.encode(), (self.target, PORT))
                raise CheckFailed("a program inside could send by the uplink; run the playbook again")
            except PermissionError:
                pass  # what the barrier answers
            if appears(word, outside):
                raise CheckFailed(f"a packet that a program inside sent by the uplink got out; {STOP_AND_REPORT}")
        counted = leak_attempts(nft, INNER_TABLE) - before
        if counted < 1:
            raise CheckFailed(
                "a packet by the uplink was refused, but not by the inner barrier: it has counted nothing, and should "
                f"count each. Restart {STACK_UNIT}, which loads it again; if that does not help, run the playbook again"
            )
        return "a packet that a program inside sent by the uplink was dropped and counted"

    def outer_barrier(self) -> str:
        pid, word, nft = pid_of(HOLDER), f"verify-{secrets.token_hex(6)}", Nft()
        before = leak_attempts(nft, OUTER_TABLE)
        own = Gateway(self.root, resolve=look_up_nothing).settings.holder_address
        to = address_of(VPN_BRIDGE)
        with sniff_host_interfaces() as outside:
            with open_inside(pid, UPLINK, listen) as line:
                line.send(to + line.getsockname()[4] + b"\x08\x00" + datagram(own, self.target, word.encode()))
            if appears(word, outside):
                raise CheckFailed(f"a packet that went past the inner barrier got out of the host; {STOP_AND_REPORT}")
        if leak_attempts(nft, OUTER_TABLE) - before < 1:
            raise CheckFailed(
                "a packet that went past the inner barrier was not counted by the outer one, which should drop and "
                "count it; run the playbook again"
            )
        return "a packet that went past the inner barrier was dropped and counted by the outer one"

    def imports(self) -> str:
        return imports.check(self.root)


def _tunnel_fault(found: status.Status) -> str:
    """Return what is wrong with the tunnel or its resolvers; empty for problems of another kind while it is up."""
    if found.problems and (not found.up or found.problems[0].code is Code.RESOLVER_DEAD):
        return found.problems[0].text
    return ""
