# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of the role upkeep beside the import: which are wanted, and what the discovery's settings say."""

from __future__ import annotations

import sys
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parents[3] / "roles" / "runtime" / "files" / "lib"))

from mediaserver.discovery import answer
from rendered_households import ALL, value

IMPORT = ["mediaserver-import.path", "mediaserver-import.timer"]
UPDATES, DISCOVERY = "mediaserver-updates.timer", "mediaserver-discovery.service"


def without(name: str) -> dict[str, Any]:
    return {"stack_services": [one for one in ALL if one != name]}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, [*IMPORT, UPDATES, DISCOVERY]),
        ({"upkeep_import": False}, [UPDATES, DISCOVERY]),
        ({"upkeep_updates": False}, [*IMPORT, DISCOVERY]),
        ({"upkeep_discovery": False}, [*IMPORT, UPDATES]),
        (without("jellyfin"), [*IMPORT, UPDATES]),
        (without("transmission"), [UPDATES, DISCOVERY]),
    ],
)
def test_units_are_wanted_or_stopped(given: dict[str, Any], wanted: list[str]) -> None:
    assert value("__upkeep_wanted_units", role="upkeep", **given) == wanted
    stopped = value("__upkeep_unwanted_units", role="upkeep", **given)
    assert sorted([*wanted, *stopped]) == sorted([*IMPORT, UPDATES, DISCOVERY])
    paths = [entry["path"] for entry in value("__upkeep_files", role="upkeep", **given)]
    assert len(paths) == len(set(paths))
    assert {f"/etc/systemd/system/{name}" for name in wanted} <= set(paths)
    assert not {f"/etc/systemd/system/{name}" for name in stopped} & set(paths)


def test_only_what_is_there_is_stopped() -> None:
    units = {
        "mediaserver-import.path": {"started": True, "enabled": True},
        "mediaserver-import.timer": {"started": False, "enabled": True},
        UPDATES: {"started": False, "enabled": False},
        DISCOVERY: {"started": True, "enabled": True},
    }
    off = {"upkeep_import": False, "upkeep_updates": False}
    assert sorted(value("__upkeep_stopped_units", role="upkeep", __mediaserver_units=units, **off)) == IMPORT
    assert value("__upkeep_stopped_units", role="upkeep", __mediaserver_units=units) == []
    assert value("__upkeep_stopped_units", role="upkeep", __mediaserver_units={}, **off) == []


@pytest.mark.parametrize(
    ("written", "runtime", "outdated", "restarted"),
    [
        ([], False, [], []),
        (["/etc/systemd/system/mediaserver-updates.timer"], False, [], [UPDATES]),
        (["/etc/systemd/system/mediaserver-import.service"], False, [], []),
        (["/opt/mediaserver/discovery.json"], False, [], [DISCOVERY]),
        ([], True, [], [DISCOVERY]),
        ([], False, [DISCOVERY, "vpn-monitor.service"], [DISCOVERY]),
    ],
)
def test_a_unit_is_restarted_by_its_state(
    written: list[str], runtime: bool, outdated: list[str], restarted: list[str]
) -> None:
    given = {"__upkeep_written": {"paths": written}, "__runtime_files": {"changed": runtime}}
    found = value("__upkeep_restarted_units", role="upkeep", __mediaserver_outdated=outdated, **given)
    assert found == restarted


def settings(tmp_path: Path, **given: Any) -> answer.Settings:
    entries = value("__upkeep_discovery_files", role="upkeep", **given)
    (content,) = [entry["content"] for entry in entries if entry["path"].endswith("discovery.json")]
    (tmp_path / answer.SETTINGS).write_text(content)
    return answer.Settings.read(tmp_path)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://192.168.1.5:8096"),
        ({"mediaserver_ports": {"jellyfin": 18096}}, "http://192.168.1.5:18096"),
        ({"jellyfin_network_settings": {"BaseUrl": "/films"}}, "http://192.168.1.5:8096/films"),
        ({"jellyfin_published_url": "https://films.example.org"}, "https://films.example.org"),
        ({"mediaserver_bind_address": "192.168.1.9"}, "http://192.168.1.9:8096"),
    ],
)
def test_clients_get_the_address_where_jellyfin_is_published(
    tmp_path: Path, given: dict[str, Any], address: str
) -> None:
    found = settings(tmp_path, **given)
    assert answer.address(found, "192.168.1.5") == address
    assert found.url == value("__upkeep_jellyfin_url", role="upkeep", **given)


def test_the_lan_is_the_household_s(tmp_path: Path) -> None:
    given = {"mediaserver_lan": ["192.168.1.0/24", "100.64.0.0/10"]}
    assert settings(tmp_path, **given).lan == (IPv4Network("192.168.1.0/24"), IPv4Network("100.64.0.0/10"))
    unit = str(value("lookup('ansible.builtin.template', 'mediaserver-discovery.service.j2')", role="upkeep", **given))
    assert "IPAddressDeny=any\nIPAddressAllow=localhost 192.168.1.0/24 100.64.0.0/10\n" in unit
    assert "DynamicUser=yes\n" in unit


def test_a_registry_that_does_not_answer_is_no_failed_unit() -> None:
    unit = str(value("lookup('ansible.builtin.template', 'mediaserver-updates.service.j2')", role="upkeep"))
    assert "ExecStart=/opt/mediaserver/scripts/mediaserver updates\nSuccessExitStatus=" not in unit
    assert "SuccessExitStatus=3\n" in unit
    assert "ReadWritePaths=/var/lib/mediaserver\n" in unit
