# SPDX-License-Identifier: GPL-3.0-or-later
"""The media disk and its layout."""

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
def test_the_layout_belongs_to_the_account(host: Any, house: Household, root: str, folders: tuple[str, ...]) -> None:
    for name in folders:
        folder = host.file(f"{house[root]}/{name}".rstrip("/"))
        assert folder.is_directory, folder
        assert (folder.uid, folder.gid) == (house["mediaserver_uid"], house["mediaserver_gid"]), folder
        assert oct(folder.mode) == oct(0o2775), folder


def test_media_and_downloads_are_one_filesystem(host: Any, house: Household) -> None:
    devices = host.check_output(f"stat --format %d {house['mediaserver_media']} {house['mediaserver_downloads']}")
    assert len(set(devices.split())) == 1


def test_the_account_can_hard_link_from_downloads_to_media(host: Any, house: Household) -> None:
    source = f"{house['mediaserver_downloads']}/complete/.contract"
    target = f"{house['mediaserver_media']}/misc/.contract"
    made = host.run(
        f"setpriv --reuid {house['mediaserver_uid']} --regid {house['mediaserver_gid']} --clear-groups "
        f"sh -ec 'touch {source}; ln {source} {target}; stat --format %h {target}; rm {source} {target}'"
    )
    assert (made.rc, made.stdout.strip()) == (0, "2"), made.stderr


def test_the_disk_is_mounted_where_one_is_configured(host: Any, house: Household) -> None:
    mount = host.mount_point(house["mediaserver_data"])
    assert mount.exists == bool(house.get("storage_uuid"))
