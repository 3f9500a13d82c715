# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts that cannot be read or written, and members without an account on the host, are rejected by name."""

from __future__ import annotations

import errno
import os
import typing as t

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._host import reader as reader_module
from ansible_collections.household.mediaserver.plugins.module_utils._host.info import measure
from ansible_collections.household.mediaserver.plugins.module_utils._host.reader import Reader
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.checks import find_problems
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._host import hosts

PATHS = {"mediaserver_data": "/mnt", "mediaserver_media": "/mnt/media", "mediaserver_downloads": "/mnt/downloads"}
ASKED: dict[str, t.Any] = {**hosts.ASKED, "paths": ["/", *PATHS.values()], "group": "mediaserver"}
SHARE = "50 40 0:60 / /mnt/media/movies ro,relatime - nfs4 nas:/films rw,vers=4.2\n"
REMOUNTED = hosts.MOUNTINFO.replace("/mnt rw,noatime", "/mnt ro,noatime")
DIRTY = hosts.MOUNTINFO.replace("ext4 /dev/sda1 rw", "ext4 /dev/sda1 ro,emergency_ro")


def facts(mountinfo: str = hosts.MOUNTINFO, **more: t.Any) -> dict[str, t.Any]:
    files = {**hosts.PI4, "/proc/self/mountinfo": mountinfo, "/mnt/media/x": "", "/mnt/downloads/x": ""}
    return measure(hosts.FakeReader({**files, **more.pop("files", {})}, **more), ASKED)


def problems_of(found: dict[str, t.Any], **settings: t.Any) -> list[tuple[str, str]]:
    return [(one["variable"], one["problem"]) for one in find_problems(found, {**PATHS, **settings})]


@pytest.mark.parametrize("mountinfo", [REMOUNTED, DIRTY], ids=["mounted read-only", "filesystem read-only"])
def test_read_only_mount_is_reported_once(mountinfo: str) -> None:
    text = "/mnt is on /mnt (ext4, /dev/sda1), which is mounted read-only"
    assert problems_of(facts(mountinfo)) == [("mediaserver_data", text)]


def test_read_only_share_below_the_media_folder_is_accepted() -> None:
    found = facts(hosts.MOUNTINFO + SHARE)
    assert (found["read_only_mounts"], problems_of(found)) == (["/mnt/media/movies"], [])


def test_writable_and_unrelated_mounts_are_ignored() -> None:
    elsewhere = "60 25 0:70 / /proc/sys ro - proc proc rw\n61 25 0:71 / /mnt2 ro - ext4 /dev/sdb ro\n"
    assert facts(hosts.MOUNTINFO + elsewhere)["read_only_mounts"] == []
    assert facts(hosts.MOUNTINFO + SHARE + SHARE.replace(" ro,", " rw,"))["read_only_mounts"] == []


def test_unreadable_mount_is_reported_with_its_error() -> None:
    found = facts(read_errors={"/mnt/media": "Transport endpoint is not connected"})
    text = "/mnt/media cannot be read, not even by root: Transport endpoint is not connected"
    assert problems_of(found) == [("mediaserver_media", text)]


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.EACCES, errno.EIO, errno.ESTALE])
def test_real_reader_returns_the_error_of_a_folder(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(path: str) -> t.NoReturn:
        raise OSError(number, "anything", path)

    reader = Reader(lambda *_a, **_k: (0, "", ""))
    assert (reader.read_error("/"), reader.read_error("/nonexistent"), reader.read_error("/etc/passwd")) == ("", "", "")
    monkeypatch.setattr(reader_module.os, "scandir", refuse)
    assert reader.read_error("/") == os.strerror(number)


def test_member_without_an_account_is_rejected() -> None:
    assert problems_of(facts(), mediaserver_members=["pi"]) == []
    assert problems_of(facts(), mediaserver_members=["pi", "anna"]) == [
        ("mediaserver_members", "the host has no account 'anna'")
    ]


@pytest.mark.parametrize(
    ("group", "members"),
    [
        ("mediaserver:x:2000:\n", []),
        ("mediaserver:x:2000:pi,anna\n", ["anna", "pi"]),
        ("mediaserver:x:1000:\n", ["pi"]),
        ("mediaservers:x:2000:pi\n", []),
        ("", []),
    ],
)
def test_returns_members_of_the_group(group: str, members: list[str]) -> None:
    assert facts(files={"/etc/group": group})["group_members"] == members
