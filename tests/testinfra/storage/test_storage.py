# SPDX-License-Identifier: GPL-3.0-or-later
"""The media disk and its folders."""

from __future__ import annotations

from typing import Any

import pytest
from contract import Household


@pytest.mark.parametrize(
    ("root", "folders"),
    [
        ("mediaserver_media", ("", "movies", "tv", "music", "books", "misc")),
        ("mediaserver_downloads", ("", "complete", "incomplete", "watch")),
    ],
)
def test_folders_belong_to_account(host: Any, household: Household, root: str, folders: tuple[str, ...]) -> None:
    for name in folders:
        folder = host.file(f"{household[root]}/{name}".rstrip("/"))
        assert folder.is_directory, folder
        assert (folder.uid, folder.gid) == (household["mediaserver_uid"], household["mediaserver_gid"]), folder
        assert oct(folder.mode) == oct(0o2775), folder


def test_media_and_downloads_are_one_filesystem(host: Any, household: Household) -> None:
    devices = host.check_output(
        f"stat --format %d {household['mediaserver_media']} {household['mediaserver_downloads']}"
    )
    assert len(set(devices.split())) == 1


def test_account_can_hard_link_from_downloads_to_media(host: Any, household: Household) -> None:
    source = f"{household['mediaserver_downloads']}/complete/.contract"
    target = f"{household['mediaserver_media']}/misc/.contract"
    made = host.run(
        f"setpriv --reuid {household['mediaserver_uid']} --regid {household['mediaserver_gid']} --clear-groups "
        f"sh -ec 'touch {source}; ln {source} {target}; stat --format %h {target}; rm {source} {target}'"
    )
    assert (made.rc, made.stdout.strip()) == (0, "2"), made.stderr


def test_disk_is_mounted_if_configured(host: Any, household: Household) -> None:
    mount = host.mount_point(household["mediaserver_data"])
    assert mount.exists == bool(household.get("storage_uuid"))
