# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A valid household on a suitable host has no problem; each row changes one fact and expects one problem."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.checks import find_problems
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import (
    FACTS,
    SETTINGS,
    TAKEN,
    UUID,
    found,
)

DOCKER = {"package": "docker-ce", "version": "28.5.1", "compose_package": "docker-compose-plugin"}


def test_valid_household_has_no_problem() -> None:
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
    ("uid in use", {"users": {"root": 0, "anna": 2000}}, "mediaserver_uid", "belongs to anna"),
    ("gid in use", {"groups": {"root": 0, "plex": 2000}}, "mediaserver_gid", "belongs to plex"),
    ("user has other uid", {"users": {"mediaserver": 999}}, "mediaserver_uid", "exists with uid 999"),
    ("group has other gid", {"groups": {"mediaserver": 999}}, "mediaserver_gid", "exists with gid 999"),
    ("unknown time zone", {"timezones_known": False}, "mediaserver_timezone", "Europe/Berlin"),
    (
        "port used by a program",
        {"ports_listening": [TAKEN]},
        "mediaserver_ports.jellyfin",
        "used by jellyfin",
    ),
    (
        "port used by a foreign container",
        {"ports_listening": [{**TAKEN, "process": "docker-proxy", "container": "plex", "project": "old"}]},
        "mediaserver_ports.jellyfin",
        "used by container plex",
    ),
    ("docker installed by hand", {"docker": {"package": "other"}}, "docker.package", "neither from Debian"),
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
        "pool on a bridge to the LAN",
        {"networks": [{"interface": "br0", "cidr": "172.30.5.0/24"}]},
        "docker_address_pools",
        "on br0",
    ),
    (
        "endpoint on the LAN",
        {"networks": [{"interface": "end0", "cidr": "203.0.113.0/24"}]},
        "gateway_endpoints",
        "inside the host's own network",
    ),
    (
        "tunnel in a network of the LAN",
        {"networks": [{"interface": "end0", "cidr": "10.66.0.2/31"}]},
        "gateway_addresses",
        "the tunnel's address 10.66.0.2/32 is inside the host's own network 10.66.0.2/31 on end0",
    ),
]


@pytest.mark.parametrize(("facts", "variable", "words"), [pytest.param(*row[1:], id=row[0]) for row in FACT_ROWS])
def test_unsuitable_host_is_rejected(facts: dict[str, t.Any], variable: str, words: str) -> None:
    (problem,) = found(facts, {"mediaserver_lan": [one["cidr"] for one in facts.get("networks", FACTS["networks"])]})
    assert (problem["level"], problem["variable"]) == ("problem", variable)
    assert words in problem["problem"]
    assert problem["remedy"]


ACCEPTED = [
    ("Raspberry Pi OS has id debian", {"os": {"id": "debian", "version_id": "13"}}, {}),
    ("mini-PC", {"architecture": "amd64", "machine": "x86_64"}, {}),
    ("docker-ce stays", {"docker": {**DOCKER, "compose_version": "2.40.0"}}, {}),
    ("compose 5.2.1", {"docker": {**DOCKER, "compose_version": "5.2.1"}}, {}),
    (
        "Debian's docker",
        {"docker": {"package": "docker.io", "version": "26.1.5", "compose_version": "2.26.1"}},
        {},
    ),
    ("docker.io without compose", {"docker": {"package": "docker.io", "version": "26.1.5"}}, {}),
    ("the account exists", {"users": {"mediaserver": 2000}, "groups": {"mediaserver": 2000}}, {}),
    (
        "own container uses the port",
        {"ports_listening": [{**TAKEN, "process": "docker-proxy", "container": "jellyfin", "project": "mediaserver"}]},
        {},
    ),
    (
        "own bridges",
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
    ("disk's UUID in capitals", {}, {"storage_uuid": UUID.upper()}),
    (
        "card full, data disk not mounted yet",
        {"filesystems": {"/mnt": {"total_mb": 8000, "free_mb": 100, "uuid": "card"}}},
        {"storage_uuid": UUID},
    ),
    (
        "a tunnel outside the LAN, and an existing wg0",
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
    ("only NAT-PMP", {}, {"gateway_natpmp": True, "gateway_ui_ports": [9091]}),
    ("NAT-PMP and 0 as text", {}, {"gateway_natpmp": True, "gateway_peer_port_forwarded": "0"}),
    (
        "only a forwarded port",
        {},
        {"gateway_natpmp": False, "gateway_peer_port_forwarded": 40000, "gateway_ui_ports": [9091, 9117]},
    ),
]


@pytest.mark.parametrize(("facts", "settings"), [pytest.param(*row[1:], id=row[0]) for row in ACCEPTED])
def test_suitable_host_is_accepted(facts: dict[str, t.Any], settings: dict[str, t.Any]) -> None:
    assert found(facts, settings) == []


def test_used_https_port_is_reported_by_its_own_variable() -> None:
    https = {"jellyfin_https_port": 8920, "jellyfin_https_certificate": "/srv/home.pfx"}
    (problem,) = found({"ports_listening": [{**TAKEN, "port": 8920}]}, https)
    assert (problem["variable"], problem["problem"]) == ("jellyfin_https_port", "port 8920 is used by jellyfin")


def test_unsynchronised_clock_is_a_warning() -> None:
    (notice,) = found({"clock": {"synchronized": False, "year": 2026}})
    assert (notice["level"], notice["variable"]) == ("warning", "clock.synchronized")


def test_all_problems_are_returned_at_once() -> None:
    problems = found({"memory_mb": 100, "architecture": "armhf"}, {"transmission_password": "", "storage_uuid": "x"})
    assert [one["variable"] for one in problems] == [
        "architecture",
        "memory_mb",
        "storage_uuid",
        "transmission_password",
    ]


def test_no_problem_contains_a_secret() -> None:
    (problem,) = found(settings={"transmission_password": "changeme-7531"})
    assert "7531" not in str(problem)


def test_checks_skip_variables_of_absent_roles() -> None:
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
