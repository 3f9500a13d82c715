# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished download becomes a hard link in the library, and Jellyfin lists it; a removal can be undone.

The torrents are made of files that are on the Pi already: Transmission checks them and runs its script, without peers.
"""

from __future__ import annotations

import base64
import json
import shlex
import time
from collections.abc import Iterator
from typing import Any

import pytest
from contract import Household
from jellyfin import administrators_token, ask
from rpc import session
from whole_torrent import WholeTorrent

PATIENCE_S = 60
# On a server that does nothing else.
LISTED_S = 5
SPOOL, STATE = "/var/lib/mediaserver/import", "/var/lib/mediaserver/importer"


class Download:
    """A torrent of one file, whose content is on the Pi."""

    def __init__(self, host: Any, household: Household, name: str) -> None:
        self.host, self.household, self.torrent = host, household, WholeTorrent(name)
        self.hash = self.torrent.hash
        self.path = f"{household['mediaserver_downloads']}/complete/{name}"

    def add(self) -> None:
        """Write the file as the account, then give Transmission the torrent."""
        account = self.household["mediaserver_uid"], self.household["mediaserver_gid"]
        self.host.check_output(self.torrent.writer(self.path, *account))
        metainfo = base64.b64encode(self.torrent.metainfo).decode()
        session(self.household, "torrent-add", {"metainfo": metainfo, "download-dir": "/downloads/complete"})

    def wait(self) -> None:
        """Wait until Transmission has checked the file."""
        fields = {"ids": [self.hash], "fields": ["leftUntilDone", "sizeWhenDone", "status"]}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = session(self.household, "torrent-get", fields)["torrents"]
            one = found[0] if found else {"sizeWhenDone": 0}
            # Status 1 and 2: it is checked, or waits for that.
            if one["sizeWhenDone"] and not one["leftUntilDone"] and one["status"] not in (1, 2):
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.2)

    def is_known(self) -> bool:
        return bool(session(self.household, "torrent-get", {"ids": [self.hash], "fields": ["id"]})["torrents"])


def listed(household: Household) -> set[str]:
    token = administrators_token(household)
    answer = ask(household, "/Items?recursive=true&fields=Path", token=token)[1]
    return {str(item.get("Path")) for item in answer["Items"]}


def wait_until_listed(household: Household, path: str, *, there: bool = True) -> float:
    """Return the seconds until Jellyfin lists a path, or no longer does."""
    begun = time.monotonic()
    while (path in listed(household)) is not there:
        assert time.monotonic() - begun < PATIENCE_S, f"{path} listed: {not there}"
        time.sleep(0.2)
    return time.monotonic() - begun


def mediaserver(host: Any, household: Household, *arguments: str) -> dict[str, Any]:
    command = [f"{household['mediaserver_root']}/scripts/mediaserver", *arguments, "--json"]
    done = host.run(shlex.join(command))
    assert done.rc == 0, done.stderr
    return dict(json.loads(done.stdout))


def inode(host: Any, path: str) -> str:
    return str(host.check_output(f"stat --format %i {shlex.quote(path)}"))


@pytest.fixture
def film(host: Any, household: Household) -> Iterator[tuple[Download, str]]:
    """A film that has not been downloaded, and its path below the media root."""
    download = Download(host, household, "Testbild.1987.1080p.WEB.mkv")
    yield download, "movies/Testbild (1987)/Testbild (1987).mkv"
    host.run(f"{household['mediaserver_root']}/scripts/mediaserver remove --yes --now 'movies/Testbild (1987)'")
    session(household, "torrent-remove", {"ids": [download.hash], "delete-local-data": True})


def test_download_becomes_a_hard_link_that_jellyfin_lists(
    host: Any, household: Household, film: tuple[Download, str]
) -> None:
    download, target = film
    download.add()
    download.wait()
    taken = wait_until_listed(household, f"/media/{target}")
    assert taken < LISTED_S
    path = f"{household['mediaserver_media']}/{target}"
    assert inode(host, path) == inode(host, download.path)
    mode = host.check_output(f"stat --format '%a %U %G' {shlex.quote(path)}")
    assert mode == host.check_output(f"stat --format '%a %U %G' {shlex.quote(download.path)}")
    assert host.check_output(f"ls -A {SPOOL}") == ""
    state = json.loads(host.file(f"{STATE}/importer.json").content_string)
    assert state["recent"][0]["hash"] == download.hash
    assert "is now movies/Testbild (1987)" in host.check_output("journalctl --unit mediaserver-import --since -5min")


def test_download_whose_script_was_lost_is_found_by_the_timer(
    host: Any, household: Household, film: tuple[Download, str]
) -> None:
    download, target = film
    host.check_output("systemctl stop mediaserver-import.path")
    try:
        download.add()
        download.wait()
        host.check_output(f"timeout 20 sh -c 'until [ -e {SPOOL}/{download.hash} ]; do sleep 0.2; done'")
        host.check_output(f"rm {SPOOL}/{download.hash}")
        host.check_output("systemctl start mediaserver-import.service")
        wait_until_listed(household, f"/media/{target}")
    finally:
        host.check_output("systemctl start mediaserver-import.path")


def test_removal_takes_all_and_undo_brings_all_back(
    host: Any, household: Household, film: tuple[Download, str]
) -> None:
    download, target = film
    download.add()
    download.wait()
    wait_until_listed(household, f"/media/{target}")
    before = inode(host, download.path)
    removed = mediaserver(host, household, "remove", "--yes", "Testbild (1987)")
    assert (removed["done"], removed["library"]) == ("removed", [target])
    assert not download.is_known()
    assert not host.file(download.path).exists
    wait_until_listed(household, f"/media/{target}", there=False)
    assert mediaserver(host, household, "remove", "--undo", "Testbild (1987)")["done"] == "restored"
    download.wait()
    wait_until_listed(household, f"/media/{target}")
    assert inode(host, f"{household['mediaserver_media']}/{target}") == inode(host, download.path) == before


def test_what_was_deleted_from_the_library_stays_deleted(
    host: Any, household: Household, film: tuple[Download, str]
) -> None:
    download, target = film
    download.add()
    download.wait()
    wait_until_listed(household, f"/media/{target}")
    host.check_output(f"rm {shlex.quote(household['mediaserver_media'] + '/' + target)}")
    session(household, "torrent-verify", {"ids": [download.hash]})
    download.wait()
    mediaserver(host, household, "import", download.hash)
    assert not host.file(f"{household['mediaserver_media']}/{target}").exists
    mediaserver(host, household, "import", "--again", download.hash)
    wait_until_listed(household, f"/media/{target}")


def test_container_cannot_write_beside_its_spool(host: Any) -> None:
    """The control: it can write into it."""
    container = "docker exec mediaserver-transmission-1"
    assert host.run(f"{container} sh -c ': >/import/not-a-hash'").rc == 0
    assert host.run(f"{container} ls {STATE}").rc != 0
    host.check_output(f"timeout 20 sh -c 'while [ -e {SPOOL}/not-a-hash ]; do sleep 0.2; done'")
    state = json.loads(host.file(f"{STATE}/importer.json").content_string)
    assert "not-a-hash" in state["rejected"]
