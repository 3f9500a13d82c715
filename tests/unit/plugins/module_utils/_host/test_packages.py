# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of host_info about packages: held, interrupted, and whether there are package lists."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._host.info import measure
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._host import hosts

SHARED = Path(os.environ.get("MEDIASERVER_SHARED") or Path(__file__).resolve().parents[6] / "shared")
HELD = SHARED / "cases" / "P01-dpkg-query.txt"
JOURNAL = "/var/lib/dpkg/updates/0003"


def facts_of(rows: str, files: dict[str, str] | None = None, packages: t.Sequence[str] = ()) -> dict[str, t.Any]:
    reader = hosts.FakeReader(files or {}, commands={"dpkg-query": rows})
    return measure(reader, {**hosts.ASKED, "packages": list(packages)})


def test_held_package_counts_as_installed() -> None:
    if not HELD.exists():
        pytest.skip(f"{HELD} is not there")
    found = facts_of(HELD.read_text(encoding="utf-8"), packages=["docker-ce"])
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
def test_classifies_each_dpkg_state(state: str, installed: bool, unfinished: bool) -> None:
    found = facts_of(f"{state} kmod 34.2-2\n", packages=["kmod"])
    assert ("kmod" in found["packages"], found["packages_unfinished"] == ["kmod"]) == (installed, unfinished)


def test_package_that_was_never_unpacked_has_no_version() -> None:
    found = facts_of("iHR kmod\nii  tzdata 2025b\n", packages=["kmod", "tzdata"])
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
def test_interrupted_docker_installation_is_not_classified_as_other(rows: str, package: str) -> None:
    assert facts_of(rows, {"/usr/bin/docker": ""})["docker"]["package"] == package


@pytest.mark.parametrize(
    ("files", "journal"),
    [({JOURNAL: ""}, True), ({}, False), ({"/var/lib/dpkg/updates/tmp.i": ""}, False)],
)
def test_detects_interrupted_dpkg_by_apts_rule(files: dict[str, str], journal: bool) -> None:
    assert facts_of("", files)["dpkg_journal"] is journal


@pytest.mark.parametrize(
    ("name", "lists"),
    [("mirror.example_debian_dists_trixie_main_binary-arm64_Packages.lz4", True), ("lock", False)],
)
def test_apt_is_ready_only_with_package_lists(name: str, lists: bool) -> None:
    found = facts_of("ii  python3-apt 3.0.0\n", {f"/var/lib/apt/lists/{name}": ""})
    assert (found["apt_lists"], found["apt_ready"]) == (lists, lists)
