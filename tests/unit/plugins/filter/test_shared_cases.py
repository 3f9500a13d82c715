# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs of real households, from the folder of reference material: each yields the message that its README names.

A case file without an entry in these tables is a failure.
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.household.mediaserver.plugins.filter.preflight_problems import preflight_problems
from ansible_collections.household.mediaserver.plugins.module_utils._core import obstacles
from ansible_collections.household.mediaserver.plugins.module_utils._host import configuration
from ansible_collections.household.mediaserver.plugins.module_utils._host import parsers as parse
from ansible_collections.household.mediaserver.plugins.plugin_utils._inventory_faults import faults_of_text
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._host import hosts
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import (
    FACTS,
    SETTINGS,
)

ROOT = Path(__file__).resolve().parents[4]
CASES = Path(os.environ.get("MEDIASERVER_SHARED") or ROOT.parent / "shared") / "cases"
W11 = """[Interface]
PrivateKey = arnx6499M4j0+dWG9m6Z/VQIDfLERvDlhmiwnAihbdA=
Address = 10.14.0.2/16
DNS = 103.86.96.100
[Peer]
PublicKey = AV9+a8Wur0g3JAieklLME7UJUaa2lBJSJ2XP9NeAMG4=
AllowedIPs = 0.0.0.0/0
Endpoint = 198.51.100.30:51820
"""
ZONES = "Z Europe/Berlin 1 E CE%sT\nL America/New_York US/Eastern\nZ America/New_York -5 u E%sT\n"
Found = list[tuple[str, str, str]]
FILE = "gateway_provider_config"


def case(name: str) -> str:
    path = CASES / name
    if not CASES.exists():
        pytest.skip(f"{CASES} is not there (MEDIASERVER_SHARED names the folder of reference material)")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def specs() -> dict[str, t.Any]:
    found: dict[str, t.Any] = {}
    for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    return found


def told(settings: dict[str, t.Any], specs: dict[str, t.Any], **facts: t.Any) -> Found:
    """Return the problems of preflight. A case with a tunnel replaces the fixture's."""
    given = {name: value for name, value in SETTINGS.items() if name != "tunnel"}
    if "gateway_endpoints" in settings or FILE in settings:
        given |= {"gateway_endpoints": []}
    else:
        given = {**given, FILE: W11.replace("10.14.0.2", "10.77.0.2"), "gateway_endpoints": []}
    found = preflight_problems({**FACTS, **facts}, {**given, "jellyfin_users": [], **settings}, specs)
    return [(one["level"], one["variable"], f"{one['problem']} | {one['remedy']}") for one in found]


CONF: dict[str, list[tuple[str, str, str]]] = {
    "W10.conf": [("note", f"{FILE}, line 9", "AllowedIPs ::/0 is dropped")],
    "W43.conf": [("note", f"{FILE}, line 3", "address fd00::2/128 is dropped: mediaserver_ipv6 is off")],
    "W36.conf": [("problem", f"{FILE}, line 1", "no resolver is given")],
    "W15.conf": [("problem", f"{FILE}, line 6", "WARP")],
    "W17.conf": [("problem", f"{FILE}, line 5", "AmneziaWG"), ("problem", f"{FILE}, line 6", "AmneziaWG")],
    "W19.conf": [("note", f"{FILE}, line 5", "ExcludedApplications is not used: it lists apps of a phone")],
    "W81.conf": [("problem", f"{FILE}, line 9", "without https://")],
    "W98.conf": [("problem", f"{FILE}, line 9", "two ports")],
    "E14-openvpn.conf": [("problem", FILE, "the text is an OpenVPN file")],
}


@pytest.mark.parametrize("name", CONF)
def test_provider_file_yields_the_expected_messages(name: str, specs: dict[str, t.Any]) -> None:
    found = told({FILE: case(name)}, specs)
    assert [(level, variable) for level, variable, _text in found] == [row[:2] for row in CONF[name]]
    for (_level, _variable, text), row in zip(found, CONF[name], strict=True):
        assert row[2] in text
        assert "IPv6 address |" not in text, "an endpoint is misread as an IPv6 address"


def test_gateway_dns_supplies_the_resolver_missing_in_w36(specs: dict[str, t.Any]) -> None:
    assert told({FILE: case("W36.conf"), "gateway_dns": ["10.2.0.1"]}, specs) == []


def variables(name: str) -> dict[str, t.Any]:
    given = yaml.safe_load(case(name)) or {}
    return {key.removeprefix("vault_") if key.startswith("vault_") else key: value for key, value in given.items()}


QUOTES = "put it in quotes"
YAML_CASES: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "B02-uuid.yml": [("storage_uuid", ("is not a plain UUID", "write 0b0e0d3c-5a3f-4f0e-9d0e-3a1f6a2c7d11"))],
    "E01-host-with-port.yml": [
        ("gateway_endpoints[0].host", ("the port has a field of its own",)),
    ],
    "E07-blank-first-line.yml": [
        (FILE, ("there is no server to connect to",)),
        (f"{FILE}, line 3", ("no resolver is given",)),
        (f"{FILE}, line 6", ("the setting is unknown",)),
    ],
    "E08-pia-in-10.0.0.0.yml": [(FILE, ("resolver 10.0.0.243 is inside", "set gateway_dns to another resolver"))],
    "E10-vpn-already-up.yml": [(FILE, ("a VPN already runs on this host", "10.14.0.0/16 on nordlynx", "stop"))],
    "E13-mtu.yml": [("gateway_mtu", ("the MTU is not a number from 576 to 1500",))],
    "T24-whitelist.yml": [
        ("transmission_settings", ("rpc-whitelist-enabled must stay False", "mediaserver_lan")),
        ("transmission_settings", ("rpc-whitelist must not be set", "mediaserver_lan")),
    ],
    "T25-bind.yml": [("transmission_settings", ("bind-address-ipv4 must not be set", "transmission_bind_address"))],
    "T26-random-port.yml": [
        ("transmission_settings", ("peer-port-random-on-start must stay False", "gateway_peer_port_forwarded"))
    ],
    "T27-T34-old-names.yml": [
        (
            "transmission_settings",
            (
                "download-limit is the old name of speed-limit-down;",
                "download-limit-enabled is the old name of speed-limit-down-enabled",
                "upload-limit-enabled is the old name of speed-limit-up-enabled",
                "trash-can-enabled is a setting of Transmission's desktop program",
                "lazy-bitfield-enabled was removed",
                "open-file-limit was removed",
            ),
        )
    ],
    "V01-V02-numbers.yml": [("transmission_password", (QUOTES,)), ("jellyfin_users[0].password", (QUOTES,))],
    "V08-norway.yml": [("jellyfin_language", (QUOTES,)), ("jellyfin_metadata_country", (QUOTES,))],
    "V15-lan.yml": [("mediaserver_lan", ("0.0.0.0/1, 128.0.0.0/1 would open", "the whole internet"))],
    "V17-V19-blank.yml": [
        ("storage_uuid", ("left blank",)),
        ("transmission_peer_port", ("left blank",)),
        ("jackett_settings", ("left blank",)),
    ],
}


@pytest.mark.parametrize("name", YAML_CASES)
def test_variables_yield_the_expected_problems(name: str, specs: dict[str, t.Any]) -> None:
    given, facts = variables(name), {}
    if name == "B02-uuid.yml":
        facts = {"block_uuids": [given["storage_uuid"].removeprefix("UUID=")]}
    if name == "E01-host-with-port.yml":
        given |= {"gateway_addresses": ["10.66.0.2/32"], "gateway_dns": ["10.66.0.1"]}
    if name == "E08-pia-in-10.0.0.0.yml":
        facts = {"networks": [{"interface": "eth0", "cidr": "10.0.0.0/24"}]}
    if name == "E10-vpn-already-up.yml":
        facts, given = given, {FILE: W11}
    found = told(given, specs, **facts)
    assert sorted(variable for _level, variable, _text in found) == sorted(
        variable for variable, _w in YAML_CASES[name]
    )
    for variable, words in YAML_CASES[name]:
        texts = [text for level, one, text in found if one == variable and level == "problem"]
        assert any(all(word in text for word in words) for text in texts), texts
    assert "mkfs" not in str(found)
    assert "42798" not in str(found), "a secret is shown"


def test_octal_number_is_reported_with_its_line() -> None:
    (fault,) = faults_of_text(case("T44-octal.yml"), "main.yml", secrets=set(), known=set())
    assert (fault["level"], fault["variable"]) == ("problem", "transmission_settings.speed-limit-up")
    assert "main.yml, line 2" in fault["problem"] and "320" in fault["problem"]
    assert QUOTES in fault["remedy"]


@pytest.mark.parametrize(
    ("zone", "words"),
    [("America/Argentina", "is a folder of time zones"), ("US/Eastern", "write America/New_York")],
)
def test_time_zone_yields_the_expected_problem(zone: str, words: str, specs: dict[str, t.Any]) -> None:
    assert zone in case("V09-V10-zones.yml")
    base = "/usr/share/zoneinfo/"
    files = {base + "tzdata.zi": ZONES, base + "Europe/Berlin": "", base + "America/Argentina/Ushuaia": ""}
    measured = configuration.requested_zone(hosts.FakeReader(files), zone)
    ((level, variable, text),) = told({"mediaserver_timezone": zone}, specs, **measured)
    assert (level, variable) == ("problem", "mediaserver_timezone")
    assert words in text


def test_second_line_of_cmdline_is_a_problem(specs: dict[str, t.Any]) -> None:
    facts = {"cmdline_file": "/boot/firmware/cmdline.txt", "cmdline": case("C03-cmdline.txt")}
    ((level, variable, text),) = told({}, specs, **facts)
    assert (level, variable) == ("problem", "/boot/firmware/cmdline.txt")
    assert "it has 2 lines" in text and "into one line" in text


def test_docker_without_firewall_rules_is_a_problem_in_file_and_variable(specs: dict[str, t.Any]) -> None:
    text = case("D07-iptables.json")
    off = obstacles.docker_switched_off(text, "")
    measured = configuration.docker_file(hosts.FakeReader({obstacles.DAEMON_JSON: text}))
    ((level, place, message),) = told({}, specs, docker_switched_off=off, docker_file=measured)
    assert (level, place) == ("problem", "/etc/docker/daemon.json")
    assert "iptables" in message
    ((level, place, message),) = told({"docker_daemon_options": yaml.safe_load(text)}, specs)
    assert (level, place) == ("problem", "docker_daemon_options.iptables")
    assert "iptables" in message


def test_held_package_counts_as_installed() -> None:
    found = parse.docker(parse.packages(case("P01-dpkg-query.txt")), False)
    assert found == {
        "package": "docker-ce",
        "version": "28.5.2",
        "compose_package": "docker-compose-plugin",
        "compose_version": "2.40.0",
    }


def test_every_case_file_has_a_test() -> None:
    if not CASES.exists():
        pytest.skip(f"{CASES} is not there")
    others = {"README.md", "T44-octal.yml", "V09-V10-zones.yml", "C03-cmdline.txt", "D07-iptables.json"}
    known = {*CONF, *YAML_CASES, *others, "P01-dpkg-query.txt"}
    assert {path.name for path in CASES.iterdir()} == known
