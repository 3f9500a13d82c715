# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A good household on a good host has no problem; each row changes one thing and expects one complaint."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.household.mediaserver.plugins.filter.services import services
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.checks import find_problems

UUID = "0a3407de-014b-458b-b5c1-848e92a327a3"
FACTS: dict[str, t.Any] = {
    "architecture": "arm64",
    "machine": "aarch64",
    "os": {"id": "debian", "version_id": "13", "codename": "trixie"},
    "memory_mb": 3808,
    "filesystems": {
        "/": {"total_mb": 30000, "free_mb": 20000, "uuid": "root"},
        "/mnt": {"total_mb": 30000, "free_mb": 20000, "uuid": "root"},
    },
    "block_uuids": [UUID],
    "clock": {"synchronized": True, "year": 2026},
    "networks": [
        {"interface": "end0", "cidr": "192.168.1.0/24"},
        {"interface": "docker0", "cidr": "172.17.0.0/16"},
    ],
    "default_interface": "end0",
    "users": {"root": 0, "pi": 1000},
    "groups": {"root": 0, "pi": 1000, "docker": 990},
    "docker": {"package": "", "version": "", "compose_package": "", "compose_version": ""},
    "ports_listening": [{"port": 22, "process": "sshd", "container": "", "project": ""}],
    "timezones_known": True,
}
SETTINGS: dict[str, t.Any] = {
    "preflight_min_memory_mb": 800,
    "preflight_min_free_root_mb": 2048,
    "preflight_min_free_data_mb": 1024,
    "preflight_min_year": 2026,
    "preflight_min_docker": "26.0",
    "preflight_min_compose": "2.26.0",
    "preflight_installed": False,
    "mediaserver_user": "mediaserver",
    "mediaserver_group": "mediaserver",
    "mediaserver_uid": 2000,
    "mediaserver_gid": 2000,
    "mediaserver_root": "/opt/mediaserver",
    "mediaserver_state": "/var/lib/mediaserver",
    "mediaserver_data": "/mnt",
    "mediaserver_media": "/mnt/media",
    "mediaserver_downloads": "/mnt/downloads",
    "mediaserver_timezone": "Europe/Berlin",
    "mediaserver_lan": ["192.168.1.0/24", "10.0.0.0/8"],
    "mediaserver_bind_address": "0.0.0.0",
    "mediaserver_ports": {"transmission": 9091, "jackett": 9117, "jellyfin": 8096},
    "storage_uuid": "",
    "gateway_subnet": "172.31.254.0/24",
    "docker_address_pools": [{"base": "172.30.0.0/16", "size": 24}],
    "gateway_provider_config": "",
    "gateway_endpoints": [{"host": "203.0.113.7", "port": 51820}],
    "gateway_peer_port_forwarded": 0,
    "tunnel": {
        "addresses": ["10.66.0.2/32"],
        "dns": ["10.66.0.1"],
        "peers": [{"host": "203.0.113.7", "port": 51820}],
    },
    "transmission_user": "family",
    "transmission_password": "correct horse battery",
    "transmission_settings": {},
    "jackett_admin_password": "staple",
    "jackett_settings": {},
    "jellyfin_admin_user": "family",
    "jellyfin_admin_password": "paper clip",
    "jellyfin_libraries": [
        {"name": "Movies", "type": "movies", "paths": ["/media/movies"]},
        {"name": "Music", "type": "music", "paths": ["/media/music"]},
    ],
    "jellyfin_library_options": {"EnableRealtimeMonitor": True},
    "jellyfin_users": [{"name": "child", "password": "crayon", "libraries": ["Music"]}],
    "jellyfin_https_port": 0,
}
DOCKER = {"package": "docker-ce", "version": "28.5.1", "compose_package": "docker-compose-plugin"}
ALL = ["vpn", "wireguard", "transmission", "jackett", "jellyfin"]
OWN = {"name": "sonarr", "image": "owner/sonarr:4", "port": 8989, "published_port": 9117}
PUBLISHED = "mediaserver_extra_services.sonarr.published_port"
TAKEN = {"port": 8096, "process": "jellyfin", "container": "", "project": ""}


def found(facts: dict[str, t.Any] | None = None, settings: dict[str, t.Any] | None = None) -> list[dict[str, str]]:
    return find_problems({**copy.deepcopy(FACTS), **(facts or {})}, with_services({**SETTINGS, **(settings or {})}))


def with_services(settings: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the role adds to the variables: the services in their normal form."""
    project = services(settings)
    return {**settings, "preflight_services": project["services"], "preflight_registered": project["registered"]}


def test_a_good_household_has_no_problem() -> None:
    assert found() == []


FACT_ROWS = [
    ("32-bit userland", {"architecture": "armhf"}, "architecture", "although its kernel is 64-bit"),
    ("other architecture", {"architecture": "riscv64", "machine": "riscv64"}, "architecture", "riscv64"),
    ("Debian 12", {"os": {"id": "debian", "version_id": "12"}}, "os", "debian 12, not Debian 13"),
    ("Ubuntu", {"os": {"id": "ubuntu", "version_id": "24.04"}}, "os", "ubuntu 24.04"),
    ("testing has no release", {"os": {"id": "debian", "version_id": ""}}, "os", "no release"),
    ("little memory", {"memory_mb": 430}, "memory_mb", "430 MB"),
    ("wrong clock", {"clock": {"synchronized": False, "year": 1970}}, "clock.year", "1970"),
    ("no default route", {"default_interface": ""}, "default_interface", "no default route"),
    ("uid taken", {"users": {"root": 0, "anna": 2000}}, "mediaserver_uid", "belongs to anna"),
    ("gid taken", {"groups": {"root": 0, "plex": 2000}}, "mediaserver_gid", "belongs to plex"),
    ("user has other uid", {"users": {"mediaserver": 999}}, "mediaserver_uid", "exists with uid 999"),
    ("group has other gid", {"groups": {"mediaserver": 999}}, "mediaserver_gid", "exists with gid 999"),
    ("unknown time zone", {"timezones_known": False}, "mediaserver_timezone", "Europe/Berlin"),
    (
        "port taken by a program",
        {"ports_listening": [TAKEN]},
        "mediaserver_ports.jellyfin",
        "taken by jellyfin",
    ),
    (
        "port taken by a foreign container",
        {"ports_listening": [{**TAKEN, "process": "docker-proxy", "container": "plex", "project": "old"}]},
        "mediaserver_ports.jellyfin",
        "taken by container plex",
    ),
    ("docker by hand", {"docker": {"package": "other"}}, "docker.package", "neither from Debian"),
    (
        "old docker",
        {"docker": {**DOCKER, "version": "20.10.24", "compose_version": "2.40.0"}},
        "docker.version",
        "20.10.24",
    ),
    ("broken compose", {"docker": {**DOCKER, "compose_version": "5.2.0"}}, "docker.compose_version", "5.2.0"),
    (
        "old compose",
        {"docker": {**DOCKER, "compose_version": "1.29.2"}},
        "docker.compose_version",
        "2.26.0 or later",
    ),
    (
        "no compose",
        {"docker": {"package": "docker-ce", "version": "28.0"}},
        "docker.compose_package",
        "without",
    ),
    (
        "card full",
        {"filesystems": {"/": {"total_mb": 8000, "free_mb": 100, "uuid": ""}}},
        "preflight_min_free_root_mb",
        "100 MB are free at /",
    ),
    (
        "data full",
        {"filesystems": {"/mnt": {"total_mb": 8000, "free_mb": 100, "uuid": ""}}},
        "mediaserver_data",
        "100 MB are free at /mnt",
    ),
    (
        "subnet on the LAN",
        {"networks": [{"interface": "end0", "cidr": "172.31.0.0/16"}]},
        "gateway_subnet",
        "172.31.0.0/16 on end0",
    ),
    (
        "pool on a bridge of the house",
        {"networks": [{"interface": "br0", "cidr": "172.30.5.0/24"}]},
        "docker_address_pools",
        "on br0",
    ),
    (
        "endpoint in the house",
        {"networks": [{"interface": "end0", "cidr": "203.0.113.0/24"}]},
        "gateway_endpoints",
        "inside the house's own network",
    ),
    (
        "tunnel in a network of the house",
        {"networks": [{"interface": "end0", "cidr": "10.66.0.2/31"}]},
        "gateway_addresses",
        "the tunnel's address 10.66.0.2/32 is inside the house's own network 10.66.0.2/31 on end0",
    ),
]


@pytest.mark.parametrize(("facts", "variable", "words"), [pytest.param(*row[1:], id=row[0]) for row in FACT_ROWS])
def test_bad_host(facts: dict[str, t.Any], variable: str, words: str) -> None:
    (problem,) = found(facts, {"mediaserver_lan": [one["cidr"] for one in facts.get("networks", FACTS["networks"])]})
    assert (problem["level"], problem["variable"]) == ("problem", variable)
    assert words in problem["problem"]
    assert problem["remedy"]


FROM_FILE = {"gateway_provider_config": "[Interface]", "gateway_endpoints": []}
SETTING_ROWS = [
    ("no password", {"transmission_password": ""}, "transmission_password", "not set"),
    ("no user", {"transmission_user": ""}, "transmission_user", "not set"),
    ("placeholder", {"transmission_password": "change-me-please"}, "transmission_password", "placeholder"),
    (
        "the seed's placeholder",
        {"transmission_password": "secure_password_here"},
        "transmission_password",
        "placeholder",
    ),
    ("absent disk", {"storage_uuid": "dead-beef"}, "storage_uuid", "dead-beef"),
    ("uid of root", {"mediaserver_uid": 0}, "mediaserver_uid", "no usable uid"),
    ("name of root", {"mediaserver_user": "root"}, "mediaserver_user", "no usable name"),
    ("relative path", {"mediaserver_root": "opt/media"}, "mediaserver_root", "not usable as a path"),
    ("path with a space", {"mediaserver_state": "/var/lib/my media"}, "mediaserver_state", "not usable"),
    ("path that climbs", {"mediaserver_media": "/mnt/../etc"}, "mediaserver_media", "not usable"),
    (
        "media elsewhere",
        {"mediaserver_media": "/srv/media"},
        "mediaserver_media",
        "not below mediaserver_data",
    ),
    ("LAN not a network", {"mediaserver_lan": ["192.168.1.5/24"]}, "mediaserver_lan", "192.168.1.5/24"),
    ("LAN is the world", {"mediaserver_lan": ["0.0.0.0/0"]}, "mediaserver_lan", "whole internet"),
    (
        "LAN is the world in halves",
        {"mediaserver_lan": ["0.0.0.0/1", "128.0.0.0/1"]},
        "mediaserver_lan",
        "whole internet",
    ),
    (
        "LAN is the world in quarters",
        {"mediaserver_lan": ["0.0.0.0/2", "64.0.0.0/2", "192.0.0.0/2", "128.0.0.0/2"]},
        "mediaserver_lan",
        "whole internet",
    ),
    ("LAN is half of the world", {"mediaserver_lan": ["128.0.0.0/1"]}, "mediaserver_lan", "128.0.0.0/1 would open"),
    (
        "LAN in many small public pieces",
        {"mediaserver_lan": ["192.168.1.0/24", *(f"8.{number}.0.0/16" for number in range(0, 20, 2))]},
        "mediaserver_lan",
        "655360 addresses of the internet",
    ),
    ("LAN beside 10.0.0.0/8", {"mediaserver_lan": ["192.168.1.0/24", "10.0.0.0/7"]}, "mediaserver_lan", "16777216 add"),
    ("LAN as a text", {"mediaserver_lan": "192.168.1.0/24"}, "mediaserver_lan", "'192.168.1.0/24' is not a list"),
    ("LAN in IPv6", {"mediaserver_lan": ["fd00::/8"]}, "mediaserver_lan", "not an IPv4 network"),
    ("bind address", {"mediaserver_bind_address": "eth0"}, "mediaserver_bind_address", "not an IPv4 address"),
    (
        "port twice",
        {"mediaserver_ports": {"transmission": 8096, "jackett": 9117, "jellyfin": 8096}},
        "mediaserver_ports",
        "used twice, by transmission and jellyfin",
    ),
    ("no port", {"mediaserver_ports": {"jackett": 99999}}, "mediaserver_ports.jackett", "99999"),
    ("no number", {"mediaserver_ports": {"jackett": "web"}}, "mediaserver_ports.jackett", "'web' is not a port"),
    ("port of no service", {"mediaserver_ports": {"plex": 32400}}, "mediaserver_ports", "there is no service 'plex'"),
    ("own port taken", {"mediaserver_extra_services": [OWN | {"published_port": 22}]}, PUBLISHED, "taken by sshd"),
    (
        "own port used",
        {"mediaserver_extra_services": [OWN]},
        "mediaserver_ports",
        f"port 9117 is used twice, by jackett and {PUBLISHED}",
    ),
    ("no such service", {"stack_services": [*ALL, "plex"]}, "stack_services", "there is no service 'plex'"),
    ("no tunnel", {"stack_services": ["vpn", "jackett"]}, "stack_services", "it lacks vpn or wireguard"),
    ("no holder", {"stack_services": []}, "stack_services", "it lacks vpn or wireguard"),
    ("a ceiling for nobody", {"stack_memory_limits": {"plex": "1g"}}, "stack_memory_limits", "no service 'plex'"),
    ("port of ssh", {"mediaserver_ports": {"jackett": 22}}, "mediaserver_ports.jackett", "taken by sshd"),
    ("no subnet", {"gateway_subnet": "172.31.254.1/24"}, "gateway_subnet", "not an IPv4 network"),
    ("subnet too small", {"gateway_subnet": "172.31.254.0/30"}, "gateway_subnet", "/16 to /29"),
    (
        "subnet on the tunnel",
        {"gateway_subnet": "10.66.0.0/24", "tunnel": {"addresses": ["10.66.0.2/32"]}},
        "gateway_subnet",
        "the tunnel's",
    ),
    (
        "the house's router as resolver",
        {"tunnel": {"addresses": ["10.66.0.2/32"], "dns": ["192.168.1.1"]}},
        "gateway_dns",
        "the tunnel's resolver 192.168.1.1 is inside the house's own network 192.168.1.0/24 on end0",
    ),
    (
        "the file's resolver in the house",
        {**FROM_FILE, "tunnel": {"dns": ["192.168.1.1"]}},
        "gateway_provider_config",
        "resolver 192.168.1.1",
    ),
    (
        "the file's address in the house",
        {**FROM_FILE, "tunnel": {"addresses": ["192.168.1.7/24"]}},
        "gateway_provider_config",
        "address 192.168.1.7/24",
    ),
    (
        "another resolver than the file's, in the house",
        {**FROM_FILE, "gateway_dns": ["192.168.1.1"], "tunnel": {"dns": ["192.168.1.1"]}},
        "gateway_dns",
        "resolver 192.168.1.1",
    ),
    ("resolver in the subnet", {"tunnel": {"dns": ["172.31.254.1"]}}, "gateway_subnet", "172.31.254.1"),
    (
        "pool on the subnet",
        {"docker_address_pools": [{"base": "172.31.0.0/16", "size": 24}]},
        "docker_address_pools",
        "gateway_subnet",
    ),
    (
        "pool on the tunnel",
        {"docker_address_pools": [{"base": "10.66.0.0/16", "size": 24}], "tunnel": {"addresses": ["10.66.0.2/32"]}},
        "docker_address_pools",
        "10.66.0.0/16 overlaps the tunnel's",
    ),
    (
        "pool without base",
        {"docker_address_pools": [{"size": 24}]},
        "docker_address_pools",
        "no IPv4 network",
    ),
    ("no provider at all", {"gateway_endpoints": []}, "gateway_provider_config", "neither"),
    ("both forms", {"gateway_provider_config": "[Interface]"}, "gateway_provider_config", "both"),
    (
        "unreadable file",
        {
            "gateway_provider_config": "x",
            "gateway_endpoints": [],
            "tunnel": None,
            "tunnel_faults": [
                {"variable": "gateway_provider_config", "problem": "no PrivateKey", "remedy": "Copy it again"}
            ],
        },
        "gateway_provider_config",
        "no PrivateKey",
    ),
    ("forwarded port", {"gateway_peer_port_forwarded": 70000}, "gateway_peer_port_forwarded", "70000"),
    ("forwarded word", {"gateway_peer_port_forwarded": "some"}, "gateway_peer_port_forwarded", "'some' is not a port"),
    ("forwarded digit of no use", {"gateway_peer_port_forwarded": "²"}, "gateway_peer_port_forwarded", "not a port"),
    (
        "forwarded port beside NAT-PMP",
        {"gateway_peer_port_forwarded": 40000, "gateway_natpmp": True},
        "gateway_peer_port_forwarded",
        "beside gateway_natpmp",
    ),
    (
        "forwarded port of a UI",
        {"gateway_peer_port_forwarded": 9117, "gateway_ui_ports": [9091, 9117]},
        "gateway_peer_port_forwarded",
        "port 9117 is a user interface's",
    ),
    (
        "forwarded port of a UI, as text",
        {"gateway_peer_port_forwarded": "9091", "gateway_ui_ports": [9091, 9117]},
        "gateway_peer_port_forwarded",
        "open to the internet",
    ),
]


@pytest.mark.parametrize(("settings", "variable", "words"), [pytest.param(*row[1:], id=row[0]) for row in SETTING_ROWS])
def test_bad_variable(settings: dict[str, t.Any], variable: str, words: str) -> None:
    (problem,) = found(settings=settings)
    assert (problem["level"], problem["variable"]) == ("problem", variable)
    assert words in problem["problem"]
    assert problem["remedy"]


ACCEPTED = [
    ("Raspberry Pi OS says debian", {"os": {"id": "debian", "version_id": "13"}}, {}),
    ("mini-PC", {"architecture": "amd64", "machine": "x86_64"}, {}),
    ("docker-ce stays", {"docker": {**DOCKER, "compose_version": "2.40.0"}}, {}),
    ("compose 5.2.1", {"docker": {**DOCKER, "compose_version": "5.2.1"}}, {}),
    (
        "Debian's docker",
        {"docker": {"package": "docker.io", "version": "26.1.5", "compose_version": "2.26.1"}},
        {},
    ),
    ("docker.io without compose", {"docker": {"package": "docker.io", "version": "26.1.5"}}, {}),
    ("the account is there", {"users": {"mediaserver": 2000}, "groups": {"mediaserver": 2000}}, {}),
    (
        "our own container holds the port",
        {"ports_listening": [{**TAKEN, "process": "docker-proxy", "container": "jellyfin", "project": "mediaserver"}]},
        {},
    ),
    (
        "our own bridges",
        {
            "networks": [
                {"interface": "br-vpn", "cidr": "172.31.254.0/24"},
                {"interface": "br-0123456789ab", "cidr": "172.30.0.0/24"},
            ]
        },
        {},
    ),
    ("no time zone database yet", {"timezones_known": None}, {}),
    (
        "set up, card full",
        {"filesystems": {"/": {"total_mb": 8, "free_mb": 1}}},
        {"preflight_installed": True},
    ),
    ("set up, offline", {"default_interface": ""}, {"preflight_installed": True}),
    ("disk there in capitals", {}, {"storage_uuid": UUID.upper()}),
    (
        "card full, data go to a disk not mounted yet",
        {"filesystems": {"/mnt": {"total_mb": 8000, "free_mb": 100, "uuid": "card"}}},
        {"storage_uuid": UUID},
    ),
    (
        "a tunnel beside the house, and one that the host had before",
        {
            "networks": [
                {"interface": "end0", "cidr": "198.18.16.0/24"},
                {"interface": "wg0", "cidr": "10.66.0.0/24"},
            ]
        },
        {
            "mediaserver_lan": ["198.18.16.0/24"],
            "tunnel": {"addresses": ["10.66.0.11/24", "fd66::11/64"], "dns": ["10.66.0.1", "fd66::1"]},
        },
    ),
    ("endpoint by name", {}, {"tunnel": {"peers": [{"host": "de1.vpn.example"}]}}),
    ("NAT-PMP alone", {}, {"gateway_natpmp": True, "gateway_ui_ports": [9091]}),
    ("NAT-PMP and 0 as text", {}, {"gateway_natpmp": True, "gateway_peer_port_forwarded": "0"}),
    (
        "a forwarded port alone",
        {},
        {"gateway_natpmp": False, "gateway_peer_port_forwarded": 40000, "gateway_ui_ports": [9091, 9117]},
    ),
]


@pytest.mark.parametrize(("facts", "settings"), [pytest.param(*row[1:], id=row[0]) for row in ACCEPTED])
def test_accepted(facts: dict[str, t.Any], settings: dict[str, t.Any]) -> None:
    assert found(facts, settings) == []


def test_a_taken_port_of_https_is_named_by_its_own_variable() -> None:
    https = {"jellyfin_https_port": 8920, "jellyfin_https_certificate": "/srv/home.pfx"}
    (problem,) = found({"ports_listening": [{**TAKEN, "port": 8920}]}, https)
    assert (problem["variable"], problem["problem"]) == ("jellyfin_https_port", "port 8920 is taken by jellyfin")


def test_an_offline_clock_is_a_warning_only() -> None:
    (notice,) = found({"clock": {"synchronized": False, "year": 2026}})
    assert (notice["level"], notice["variable"]) == ("warning", "clock.synchronized")


@pytest.mark.parametrize("lan", [["192.168.2.0/24"], ["10.0.0.0/8", "192.168.0.0/24"], []])
def test_pages_that_nobody_beside_the_host_can_open_are_a_warning(lan: list[str]) -> None:
    (notice,) = found(settings={"mediaserver_lan": lan})
    assert (notice["level"], notice["variable"]) == ("warning", "mediaserver_lan")
    assert "192.168.1.0/24 on end0" in notice["problem"]
    assert "add the network of your house" in notice["remedy"]


@pytest.mark.parametrize("lan", [["192.168.0.0/16"], ["192.168.1.128/25"], ["10.0.0.0/8", "192.168.1.0/24"]])
def test_one_of_the_hosts_own_networks_is_enough(lan: list[str]) -> None:
    assert found(settings={"mediaserver_lan": lan}) == []
    assert found({"networks": []}, {"mediaserver_lan": lan}) == []


def test_a_public_lan_of_the_host_is_accepted_and_another_one_is_a_warning() -> None:
    own = {"networks": [{"interface": "eth0", "cidr": "8.8.4.0/22"}]}
    assert found(own, {"mediaserver_lan": ["8.8.4.0/22", "100.64.0.0/10"]}) == []
    (notice,) = found(own, {"mediaserver_lan": ["8.8.4.0/22", "9.9.9.0/24"]})
    assert (notice["level"], notice["variable"]) == ("warning", "mediaserver_lan")
    assert "9.9.9.0/24 opens the web interfaces to 256 addresses of the internet" in notice["problem"]


def test_all_problems_at_once() -> None:
    problems = found({"memory_mb": 100, "architecture": "armhf"}, {"transmission_password": "", "storage_uuid": "x"})
    assert [one["variable"] for one in problems] == [
        "architecture",
        "memory_mb",
        "storage_uuid",
        "transmission_password",
    ]


def test_no_secret_in_any_problem() -> None:
    (problem,) = found(settings={"transmission_password": "changeme-7531"})
    assert "7531" not in str(problem)


def test_a_role_that_does_not_take_part_is_not_asked() -> None:
    alone = {name: value for name, value in SETTINGS.items() if name.startswith(("mediaserver_", "preflight_"))}
    assert find_problems(FACTS, alone) == []
    assert find_problems({}, {}) == [
        {
            "level": "problem",
            "variable": "os",
            "problem": "found an unknown system (no release), not Debian 13",
            "remedy": "install Raspberry Pi OS or Debian 13 (trixie)",
        }
    ]


@pytest.mark.parametrize("name", ["transmission", "jackett", "jellyfin"])
def test_a_port_of_a_service_that_is_left_out_may_be_another_programs(name: str) -> None:
    ports: dict[str, int] = SETTINGS["mediaserver_ports"]
    taken = {"ports_listening": [{**TAKEN, "port": ports[name]}]}
    given = {"stack_services": [other for other in ALL if other != name]}
    assert [one["variable"] for one in found(taken)] == [f"mediaserver_ports.{name}"]
    assert found(taken, given) == []
    assert found(settings={**given, "mediaserver_ports": {**ports, name: "none"}}) == []


def test_a_household_may_name_the_port_of_one_service_alone() -> None:
    assert found(settings={"mediaserver_ports": {"jackett": 19117}}) == []
    (problem,) = found(settings={"mediaserver_ports": {"jackett": 8096}})
    assert problem["problem"] == "port 8096 is used twice, by jackett and jellyfin"
