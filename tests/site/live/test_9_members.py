# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may put something into library and downloads, and what the services cannot read there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import playbook
import pytest
from contract import Household

pytestmark = pytest.mark.faults

MEMBER = "pi"
MEMBERS = ("--extra-vars", json.dumps({"mediaserver_members": [MEMBER]}))


def as_member(host: Any, command: str) -> Any:
    """As after a new login: with the groups that the account has now, and the host's own umask."""
    return host.run(f"su --login {MEMBER} --command '{command}'")


def as_service(host: Any, house: Household, command: str) -> Any:
    numbers = f"--reuid {house['mediaserver_uid']} --regid {house['mediaserver_gid']} --clear-groups"
    return host.run(f"setpriv {numbers} sh -c 'umask 002; {command}'")


@pytest.fixture(scope="module")
def member(host: Any, house: Household, inventory: str) -> Iterator[None]:
    film = f"{house['mediaserver_media']}/movies/Own"
    assert as_member(host, f"mkdir {film}").rc != 0, "it may do so without being a member"
    result = playbook.run(inventory, "--tags", "host", "--check", *MEMBERS)
    assert any("into the group" in task.name for task in result.changed)
    for changed in (True, False):
        result = playbook.run(inventory, "--tags", "host", *MEMBERS)
        assert result.ok, result.failures
        assert bool(result.changed) is changed
    yield
    host.check_output(f"gpasswd --delete {MEMBER} {house['mediaserver_group']}")
    host.check_output(
        f"rm -rf {film} {house['mediaserver_media']}/movies/Ours {house['mediaserver_downloads']}/watch/own*"
    )


@pytest.mark.usefixtures("member")
def test_a_member_puts_a_film_into_the_library_and_the_services_can_use_it(host: Any, house: Household) -> None:
    film = f"{house['mediaserver_media']}/movies/Own"
    assert as_member(host, f"mkdir {film} && echo film > {film}/film.mkv").rc == 0
    assert as_service(host, house, f"cat {film}/film.mkv").stdout == "film\n"
    # In its container, which sees the library read-only.
    read = host.run(
        "docker exec $(docker ps -q -f label=com.docker.compose.service=jellyfin) cat /media/movies/Own/film.mkv"
    )
    assert read.stdout == "film\n", read.stderr
    assert as_service(host, house, f"echo subtitles > {film}/film.srt && mv {film}/film.srt {film}/film.en.srt").rc == 0


@pytest.mark.usefixtures("member")
def test_what_the_services_have_made_a_member_can_change(host: Any, house: Household) -> None:
    ours, complete = f"{house['mediaserver_media']}/movies/Ours", f"{house['mediaserver_downloads']}/complete/ours"
    made = as_service(host, house, f"mkdir {ours} && echo film > {complete} && ln {complete} {ours}/film.mkv")
    assert made.rc == 0, made.stderr
    assert as_member(host, f"mv {ours}/film.mkv {ours}/renamed.mkv && rm -r {ours} {complete}").rc == 0


@pytest.mark.usefixtures("member")
def test_a_torrent_of_a_member_can_be_taken_from_the_watch_folder(host: Any, house: Household) -> None:
    torrent = f"{house['mediaserver_downloads']}/watch/own.torrent.off"
    assert as_member(host, f"echo torrent > {torrent}").rc == 0
    assert as_service(host, house, f"cat {torrent} && mv {torrent} {torrent}.added && rm {torrent}.added").rc == 0


def test_an_account_that_does_not_exist_is_refused_by_name(inventory: str) -> None:
    result = playbook.run(inventory, "--extra-vars", json.dumps({"mediaserver_members": [MEMBER, "nobody-here"]}))
    assert not result.ok
    assert "mediaserver_members" in result.failures
    assert "nobody-here" in result.failures
    assert result.stats["changed"] == 0


@pytest.fixture
def old_media(host: Any, house: Household) -> Iterator[str]:
    path = f"{house['mediaserver_media']}/movies/Old films"
    host.check_output(f"install -d -o 1234 -g 1234 -m 0700 '{path}'")
    yield path
    host.check_output(f"rmdir '{path}'")


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["run", "check"])
def test_old_media_of_another_owner_are_named_and_left_alone(
    host: Any, inventory: str, old_media: str, arguments: list[str]
) -> None:
    result = playbook.run(inventory, "--tags", "storage", *arguments)
    assert result.ok, result.failures
    assert result.changed == []
    (said,) = [task for task in result.tasks if "cannot read" in task.name]
    (line,) = said.result["msg"]
    assert line.startswith(f"{old_media}: account ")
    assert "sudo chgrp -R" in line
    # It has inherited the bit for the group.
    assert host.check_output(f"stat --format '%u:%g %a' '{old_media}'") == "1234:1234 2700"


@pytest.fixture
def share(host: Any, house: Household) -> Iterator[str]:
    """Films on a share that is mounted read-only, which only its owner may read."""
    path = f"{house['mediaserver_media']}/music"
    host.check_output(f"mount -t tmpfs -o ro,mode=0700,uid=1234 share {path}")
    yield path
    host.check_output(f"umount {path}")


def test_a_share_that_is_read_only_and_cannot_be_read_is_named(host: Any, inventory: str, share: str) -> None:
    result = playbook.run(inventory, "--tags", "storage")
    assert result.ok, result.failures
    assert result.changed == []
    (said,) = [task for task in result.tasks if "cannot read" in task.name]
    assert [line.split(":")[0] for line in said.result["msg"]] == [share]


def test_data_that_are_mounted_read_only_are_refused(host: Any, house: Household, inventory: str) -> None:
    path = house["mediaserver_downloads"]
    host.check_output(f"mount --bind {path} {path} && mount -o remount,bind,ro {path}")
    try:
        result = playbook.run(inventory)
    finally:
        host.check_output(f"umount {path}")
    assert not result.ok
    assert f"{path} is on {path}" in result.failures
    assert "mounted read-only" in result.failures
    assert result.stats["changed"] == 0
