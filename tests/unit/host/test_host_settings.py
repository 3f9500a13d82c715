# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's own settings: forwarding is found off and switched on; a LAN that changed is named; looks are rare."""

from __future__ import annotations

from pathlib import Path

import pytest
from mediaserver._core import obstacles
from mediaserver.monitor import host_settings
from mediaserver.monitor.host_settings import PAUSE_S, SOON_S, HostObserver
from mediaserver.monitor.problems import Code, Problem
from mediaserver.tunnel import command_line

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
ROUTES = (
    HEAD
    + "end0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    + "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    + "end0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
    + "wlan0\t0002A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
    + "br-vpn\t00FE1FAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    + "end0\t0001000A\t0901A8C0\t0003\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
)


class Kernel:
    """The kernel's switches as files."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.setattr(host_settings, "SYSCTL", folder)
        monkeypatch.setattr(host_settings, "ROUTES", folder / "route")
        (folder / "route").write_text(ROUTES)
        self.set(ip_forward=1, end0=1, **{"br-vpn": 1, "wlan0": 1})

    def set(self, **values: int) -> None:
        for name, value in values.items():
            path = self.folder / ("ip_forward" if name == "ip_forward" else f"conf/{name}/forwarding")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")

    def get(self, name: str) -> str:
        return (self.folder / name).read_text().strip()


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("off", "named"),
    [
        ({}, ()),
        ({"ip_forward": 0, "end0": 0, "br-vpn": 0}, ("net.ipv4.ip_forward",)),
        ({"br-vpn": 0}, ("net.ipv4.conf.br-vpn.forwarding",)),
        ({"end0": 0}, ("net.ipv4.conf.end0.forwarding",)),
        # An interface that the way to the internet does not use.
        ({"wlan0": 0}, ()),
    ],
)
def test_forwarding_that_is_off_is_named_and_switched_on(
    kernel: Kernel, off: dict[str, int], named: tuple[str, ...]
) -> None:
    kernel.set(**off)
    assert host_settings.forwarding_off() == named
    host_settings.switch_on_forwarding()
    assert host_settings.forwarding_off() == ()
    assert kernel.get("ip_forward") == "1"


def test_before_the_bridge_is_there_only_what_exists_counts(kernel: Kernel) -> None:
    (kernel.folder / "conf/br-vpn/forwarding").unlink()
    assert host_settings.forwarding_off() == ()
    kernel.set(ip_forward=0)
    host_settings.switch_on_forwarding()
    assert host_settings.forwarding_off() == ()


@pytest.mark.parametrize(
    ("lan", "named"),
    [
        (["192.168.1.0/24"], False),
        (["10.0.0.0/8", "192.168.0.0/16"], False),
        # Narrowed to one computer on purpose.
        (["192.168.1.20/32"], False),
        ([], False),
        (["192.168.2.0/24"], True),
        (["192.168.178.0/24", "100.64.0.0/10"], True),
    ],
)
def test_a_lan_that_the_household_does_not_list_is_named(lan: list[str], named: bool) -> None:
    found = host_settings.lan_problems(ROUTES, lan)
    assert [one.code for one in found] == [Code.LAN_NOT_COVERED] * named
    if named:
        assert found[0].text.startswith("this host is in 192.168.1.0/24 (end0), and mediaserver_lan holds only")
        assert "Add 192.168.1.0/24 to mediaserver_lan" in found[0].text


def test_a_host_without_a_default_route_is_in_no_lan_that_could_be_missing() -> None:
    assert host_settings.lan_problems(HEAD, ["10.0.0.0/8"]) == []


def test_docker_and_routing_are_reported_with_what_to_do() -> None:
    (docker,) = host_settings.docker_problems('{"iptables": false, "ip-masq": false}', "")
    assert docker.code is Code.DOCKER_SETTINGS
    assert '"iptables": false in /etc/docker/daemon.json' in docker.text
    (routing,) = host_settings.routing_problems(["the rule 5270 sends packets for 192.168.1.0/24 to tailscale0"])
    assert routing.code is Code.POLICY_ROUTING
    assert "suppress_prefixlength 0" in routing.text
    assert host_settings.routing_problems([]) == []


def test_the_host_is_looked_at_rarely_and_at_once_when_something_has_changed(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    looks: list[tuple[str, ...]] = []

    def look(lan: tuple[str, ...]) -> tuple[Problem, ...]:
        looks.append(tuple(lan))
        return ()

    monkeypatch.setattr(host_settings, "problems", look)
    monkeypatch.setattr(obstacles, "DAEMON_JSON", str(tmp_path / "daemon.json"))
    watched = HostObserver()
    for now in range(0, int(PAUSE_S), 5):
        watched.problems(("10.0.0.0/8",), float(now))
    assert len(looks) == 1
    watched.problems(("10.0.0.0/8",), PAUSE_S)
    assert len(looks) == 2
    (tmp_path / "daemon.json").write_text("{}")
    watched.problems(("10.0.0.0/8",), PAUSE_S + 1)
    watched.problems(("192.168.0.0/16",), PAUSE_S + 2)
    (kernel.folder / "route").write_text(HEAD)
    watched.problems(("192.168.0.0/16",), PAUSE_S + 3)
    assert len(looks) == 5
    # While no resolver in the tunnel answers, the reason may be here.
    watched.problems(("192.168.0.0/16",), PAUSE_S + 3 + SOON_S - 1, soon=True)
    watched.problems(("192.168.0.0/16",), PAUSE_S + 3 + SOON_S, soon=True)
    assert len(looks) == 6


def test_a_run_expects_and_switches_on_forwarding(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Known:
        def __init__(self, root: Path, **_: object) -> None: ...

        def differences(self, machine: object) -> list[str]:
            return ["file x is written"]

        def apply(self, machine: object) -> list[str]:
            return ["file x is written"]

        def notes(self) -> list[str]:
            return []

        def order_note(self) -> list[str]:
            return []

    class Current:
        def plan(self, wanted: str | None, *, anyway: bool) -> list[str]:
            return []

    monkeypatch.setattr(command_line, "Gateway", Known)
    monkeypatch.setattr(command_line, "PROGRAMS", Current())
    monkeypatch.setattr(command_line, "Host", lambda: None)
    monkeypatch.setattr(command_line, "GATEWAY_LOCK", tmp_path / "lock")
    kernel.set(ip_forward=0)
    for command, after in (("plan", "0"), ("apply", "1")):
        assert command_line.main([command], root=tmp_path) == 0
        assert capsys.readouterr().out.splitlines() == ["net.ipv4.ip_forward is switched on", "file x is written"]
        assert kernel.get("ip_forward") == after
    command_line.main(["plan"], root=tmp_path)
    assert capsys.readouterr().out.splitlines() == ["file x is written"]
