# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What host_info says of packages: held, interrupted, and whether there are package lists."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._host.info import measure
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils import host_fixtures as hosts

SHARED = Path(os.environ.get("MEDIASERVER_SHARED") or Path(__file__).resolve().parents[5] / "shared")
HELD = SHARED / "cases" / "P01-dpkg-query.txt"
JOURNAL = "/var/lib/dpkg/updates/0003"


def told(rows: str, files: dict[str, str] | None = None, packages: t.Sequence[str] = ()) -> dict[str, t.Any]:
    reader = hosts.ToldReader(files or {}, commands={"dpkg-query": rows})
    return measure(reader, {**hosts.ASKED, "packages": list(packages)})


def test_a_held_package_is_an_installed_one() -> None:
    if not HELD.exists():
        pytest.skip(f"{HELD} is not there")
    found = told(HELD.read_text(encoding="utf-8"), packages=["docker-ce"])
    assert found["docker"] == {
        "package": "docker-ce",
        "version": "28.5.2",
        "compose_package": "docker-compose-plugin",
        "compose_version": "2.40.0",
    }
    assert found["packages"] == {"docker-ce": "5:28.5.2-1~debian.13~trixie"}
    assert found["packages_unfinished"] == []


@pytest.mark.parametrize(
    ("state", "installed", "unfinished"),
    [
        ("ii ", True, False),
        ("hi ", True, False),
        ("ri ", True, False),
        ("iF ", False, True),
        ("iU ", False, True),
        ("hU ", False, True),
        ("iHR", False, True),
        ("iiR", True, True),
        ("it ", True, True),
        ("iW ", True, True),
        ("rc ", False, False),
        ("un ", False, False),
    ],
)
def test_each_state_of_a_package(state: str, installed: bool, unfinished: bool) -> None:
    found = told(f"{state} kmod 34.2-2\n", packages=["kmod"])
    assert ("kmod" in found["packages"], found["packages_unfinished"] == ["kmod"]) == (installed, unfinished)


def test_a_package_that_was_never_unpacked_has_no_version() -> None:
    found = told("iHR kmod\nii  tzdata 2025b\n", packages=["kmod", "tzdata"])
    assert (found["packages"], found["packages_unfinished"]) == ({"tzdata": "2025b"}, ["kmod"])


@pytest.mark.parametrize(
    ("rows", "package"),
    [
        ("iU  docker-cli 26.1.5\n", ""),
        ("ii  docker-cli 26.1.5\n", ""),
        ("ii  docker-cli 26.1.5\niF  docker.io 26.1.5\n", "docker.io"),
        ("ii  docker-ce-cli 28.5.1\niU  docker-ce 5:28.5.1\n", "docker-ce"),
        ("ii  podman-docker 5.4\n", "other"),
    ],
    ids=["client unpacked", "client only", "engine half-configured", "docker-ce unpacked", "another program"],
)
def test_an_interrupted_installation_of_docker_is_not_taken_for_a_foreign_one(rows: str, package: str) -> None:
    assert told(rows, {"/usr/bin/docker": ""})["docker"]["package"] == package


@pytest.mark.parametrize(
    ("files", "journal"),
    [({JOURNAL: ""}, True), ({}, False), ({"/var/lib/dpkg/updates/tmp.i": ""}, False)],
)
def test_an_interrupted_dpkg_is_seen_as_apt_sees_it(files: dict[str, str], journal: bool) -> None:
    assert told("", files)["dpkg_journal"] is journal


@pytest.mark.parametrize(
    ("name", "lists"),
    [("mirror.example_debian_dists_trixie_main_binary-arm64_Packages.lz4", True), ("lock", False)],
)
def test_package_lists_are_looked_for_themselves(name: str, lists: bool) -> None:
    found = told("ii  python3-apt 3.0.0\n", {f"/var/lib/apt/lists/{name}": ""})
    assert (found["apt_lists"], found["apt_ready"]) == (lists, lists)
