# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished download becomes a hard link in the library, and Jellyfin lists it; a removal can be undone.

The torrents are made of files that are on the Pi already: Transmission checks them and runs its script, without peers.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from contract import Household
from downloads import Download, wait_until_listed
from rpc import session

# On a server that does nothing else.
LISTED_S = 5
SPOOL, STATE = "/var/lib/mediaserver/import", "/var/lib/mediaserver/importer"


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
    target = "movies/Testbild (1987)/Testbild (1987).mkv"
    yield download, target
    host.run(f"{household['mediaserver_root']}/scripts/mediaserver remove --yes --now 'movies/Testbild (1987)'")
    session(household, "torrent-remove", {"ids": [download.hash], "delete-local-data": True})
    # Jellyfin learns of a removal some time later; the next test must not meet the item of this one.
    wait_until_listed(household, f"/media/{target}", there=False)


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
    units = "mediaserver-import.path mediaserver-import.timer"
    host.check_output(f"systemctl stop {units} mediaserver-import.service")
    try:
        download.add()
        download.wait()
        host.check_output(f"timeout 20 sh -c 'until [ -e {SPOOL}/{download.hash} ]; do sleep 0.2; done'")
        host.check_output(f"rm {SPOOL}/{download.hash}")
        host.check_output("systemctl start mediaserver-import.service")
        wait_until_listed(household, f"/media/{target}")
    finally:
        host.check_output(f"systemctl start {units}")


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
    """The control: it can write into it, and what is not a torrent's hash is set aside and named."""
    container = "docker exec mediaserver-transmission-1"
    assert host.run(f"{container} sh -c ': >/import/not-a-hash'").rc == 0
    assert host.run(f"{container} ls {STATE}").rc != 0
    named = f"grep -q not-a-hash {STATE}/importer.json"
    try:
        host.check_output(f"timeout 20 sh -c 'until {named}; do sleep 0.2; done'")
        assert host.check_output(f"ls -A {SPOOL}") == ""
        status = host.run("mediaserver status")
        assert (status.rc, f"{STATE}/rejected/not-a-hash" in status.stdout) == (3, True), status
    finally:
        host.check_output(f"rm -f {STATE}/rejected/not-a-hash; systemctl start mediaserver-import.service")
    host.check_output(f"timeout 20 sh -c 'while {named}; do sleep 0.2; done'")
