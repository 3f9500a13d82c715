# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults in the host's configuration are found before they would stop a run; each row changes one value."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._host import configuration
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._host import hosts
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import (
    FACTS,
    UUID,
    found,
)

CMDLINE = "/boot/firmware/cmdline.txt"
DAEMON = "/etc/docker/daemon.json"
CACHE = {"jellyfin_cache": "/mnt/cache/jellyfin"}
ROOM = {"total_mb": 30000, "free_mb": 20000, "uuid": "root", "fstype": "ext4"}


def filesystems(**free: int) -> dict[str, t.Any]:
    names = {"root": "/opt/mediaserver", "cache": "/mnt/cache/jellyfin"}
    return {
        **FACTS["filesystems"],
        **{path: {**ROOM, "free_mb": free.get(name, 20000)} for name, path in names.items()},
    }


ROWS: list[tuple[str, dict[str, t.Any], dict[str, t.Any], str, str, str]] = [
    ("two lines", {"cmdline_file": CMDLINE, "cmdline": "a\nb\n"}, {}, CMDLINE, "it has 2 lines", "one line"),
    ("no line", {"cmdline_file": CMDLINE, "cmdline": " \n"}, {}, CMDLINE, "it is empty", "backup"),
    (
        "no JSON",
        {"docker_file": {"error": f"{DAEMON} is not valid JSON (x); correct"}},
        {},
        DAEMON,
        "not valid JSON",
        "away",
    ),
    ("remapped", {"docker_file": {"settings": {"userns-remap": "default"}}}, {}, DAEMON, "userns-remap", "remove"),
    (
        "remapped by a variable",
        {},
        {"docker_daemon_options": {"userns-remap": "x"}},
        "docker_daemon_options",
        "userns",
        "remove",
    ),
    (
        "no masquerading",
        {},
        {"docker_daemon_options": {"ip-masq": False}},
        "docker_daemon_options.ip-masq",
        "it is false",
        "remove",
    ),
    ("NTFS", {"block_filesystems": {UUID: "ntfs"}}, {"storage_uuid": UUID}, "storage_uuid", "has ntfs", "copy its"),
    (
        "exFAT",
        {"block_filesystems": {UUID: "exfat"}},
        {"storage_uuid": UUID},
        "storage_uuid",
        "hard links",
        "copy its files",
    ),
    (
        "LUKS",
        {"block_filesystems": {UUID: "crypto_LUKS"}},
        {"storage_uuid": UUID},
        "storage_uuid",
        "encrypted",
        "inside",
    ),
    (
        "another type",
        {"block_filesystems": {UUID: "btrfs"}},
        {"storage_uuid": UUID, "storage_fstype": "ext4"},
        "storage_fstype",
        "has btrfs, not ext4",
        "write btrfs",
    ),
    (
        "data on exFAT",
        {"filesystems": {"/mnt": {**ROOM, "fstype": "exfat"}}},
        {},
        "mediaserver_data",
        "/mnt is on exfat",
        "ext4",
    ),
    ("a device", {}, {"storage_uuid": "/dev/sda1"}, "storage_uuid", "not a plain UUID", "lsblk"),
    ("a label", {}, {"storage_uuid": "LABEL=media"}, "storage_uuid", "not a plain UUID", "lsblk"),
    ("quoted", {}, {"storage_uuid": f'UUID="{UUID}"'}, "storage_uuid", "not a plain UUID", f"write {UUID}"),
    ("a link", {}, {"storage_uuid": f"/dev/disk/by-uuid/{UUID}"}, "storage_uuid", "not a plain UUID", f"write {UUID}"),
    (
        "no space for the cache",
        {"filesystems": filesystems(cache=2047)},
        CACHE,
        "jellyfin_cache",
        "2047 MB",
        "free space",
    ),
    (
        "no space for Jellyfin",
        {"filesystems": filesystems(root=900)},
        CACHE,
        "mediaserver_root",
        "every start",
        "free space",
    ),
    ("a folder", {"timezone_asked": "folder"}, {}, "mediaserver_timezone", "is a folder", "timedatectl"),
    (
        "an old name",
        {"timezone_asked": "renamed", "timezone_new_name": "Asia/Kolkata"},
        {},
        "mediaserver_timezone",
        "old name",
        "write Asia/Kolkata",
    ),
]


@pytest.mark.parametrize(
    ("facts", "settings", "variable", "words", "way"), [pytest.param(*row[1:], id=row[0]) for row in ROWS]
)
def test_fault_is_rejected_with_remedy(
    facts: dict[str, t.Any], settings: dict[str, t.Any], variable: str, words: str, way: str
) -> None:
    (problem,) = found(facts, settings)
    assert (problem["level"], problem["variable"]) == ("problem", variable)
    assert words in problem["problem"]
    assert way in problem["remedy"]
    assert "mkfs" not in str(problem)


@pytest.mark.parametrize(
    ("facts", "settings"),
    [
        ({"cmdline_file": CMDLINE, "cmdline": "\nconsole=tty1 rootwait\n"}, {}),
        ({"docker_file": {"error": "", "settings": {"iptables": True, "userns-remap": ""}}}, {}),
        ({"block_filesystems": {UUID: "ext4"}}, {"storage_uuid": UUID, "storage_fstype": "ext4"}),
        ({"filesystems": filesystems()}, CACHE),
        ({"filesystems": filesystems(cache=100)}, {**CACHE, "storage_uuid": UUID}),
        ({"timezone_asked": "zone", "timezones_known": True}, {}),
    ],
    ids=["one line", "valid daemon.json", "ext4", "space", "space on a disk that is not mounted yet", "a zone"],
)
def test_valid_value_is_accepted(facts: dict[str, t.Any], settings: dict[str, t.Any]) -> None:
    assert found(facts, settings) == []


def test_little_space_is_a_warning_and_never_stops_an_installed_host() -> None:
    (notice,) = found({"filesystems": filesystems(cache=3000)}, CACHE)
    assert (notice["level"], notice["variable"]) == ("warning", "jellyfin_cache")
    (notice,) = found({"filesystems": filesystems(cache=100)}, {**CACHE, "preflight_installed": True})
    assert (notice["level"], notice["variable"]) == ("warning", "jellyfin_cache")


BASE = "/usr/share/zoneinfo/"
RULES = "Z Europe/Berlin 0:53 - LMT\nL Europe/Berlin Arctic/Longyearbyen\nL America/New_York US/Eastern\n"
FILES = dict.fromkeys(
    (f"{BASE}{name}" for name in ("Europe/Berlin", "Arctic/Longyearbyen", "zone.tab", "America/A/B")), ""
)


@pytest.mark.parametrize(
    ("wanted", "kind", "new"),
    [
        ("Europe/Berlin", "zone", ""),
        ("Arctic/Longyearbyen", "zone", ""),
        ("US/Eastern", "renamed", "America/New_York"),
        ("America/A", "folder", ""),
        ("zone.tab", "unknown", ""),
        ("Mars/Olympus", "unknown", ""),
        ("", "", ""),
    ],
)
def test_classifies_a_requested_time_zone(wanted: str, kind: str, new: str) -> None:
    reader = hosts.FakeReader({**FILES, f"{BASE}tzdata.zi": RULES})
    assert configuration.requested_zone(reader, wanted) == {"timezone_asked": kind, "timezone_new_name": new}


def test_file_is_a_zone_without_tzdata_list() -> None:
    assert configuration.requested_zone(hosts.FakeReader(FILES), "Europe/Berlin")["timezone_asked"] == "zone"


def test_reads_filesystem_types_with_and_without_udev() -> None:
    lsblk = hosts.FakeReader({"/dev/disk/by-uuid/aa": ""}, commands={"lsblk": "\naa ntfs\nbb ext4\n cc\n"})
    assert configuration.filesystems_on_disks(lsblk) == {"aa": "ntfs", "bb": "ext4"}
    text = (
        '/dev/sda1: LABEL="x" UUID="aa" BLOCK_SIZE="512" TYPE="vfat" PARTUUID="1"\n/dev/sdb: PTUUID="2" PTTYPE="gpt"\n'
    )
    assert configuration.filesystems_on_disks(hosts.FakeReader({}, commands={"blkid": text})) == {"aa": "vfat"}


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1,}'])
def test_invalid_daemon_json_is_a_problem(text: str) -> None:
    measured = configuration.docker_file(hosts.FakeReader({DAEMON: text}))
    (problem,) = found({"docker_file": measured})
    assert (problem["variable"], problem["level"]) == (DAEMON, "problem")


def test_no_secret_of_daemon_json_becomes_a_fact() -> None:
    text = '{"userns-remap": "default", "proxies": {"http-proxy": "http://me:s3cret@proxy"}}'
    measured = configuration.docker_file(hosts.FakeReader({DAEMON: text}))
    assert measured == {"error": "", "settings": {"userns-remap": "default"}, "settled": False}
