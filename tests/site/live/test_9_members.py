# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of mediaserver_members write to library and downloads; unreadable media are reported."""

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
    """Run a command as after a new login, with the account's current groups and the host's umask."""
    return host.run(f"su --login {MEMBER} --command '{command}'")


def as_service(host: Any, household: Household, command: str) -> Any:
    numbers = f"--reuid {household['mediaserver_uid']} --regid {household['mediaserver_gid']} --clear-groups"
    return host.run(f"setpriv {numbers} sh -c 'umask 002; {command}'")


@pytest.fixture(scope="module")
def member(host: Any, household: Household, inventory: str) -> Iterator[None]:
    film = f"{household['mediaserver_media']}/movies/Own"
    assert as_member(host, f"mkdir {film}").rc != 0, "the account can write without being a member"
    result = playbook.run(inventory, "--tags", "host", "--check", *MEMBERS)
    assert any("Add members of the household to the group" in task.name for task in result.changed)
    for changed in (True, False):
        result = playbook.run(inventory, "--tags", "host", *MEMBERS)
        assert result.ok, result.failures
        assert bool(result.changed) is changed
    yield
    host.check_output(f"gpasswd --delete {MEMBER} {household['mediaserver_group']}")
    host.check_output(
        f"rm -rf {film} {household['mediaserver_media']}/movies/Ours {household['mediaserver_downloads']}/watch/own*"
    )


@pytest.mark.usefixtures("member")
def test_services_can_use_film_of_member(host: Any, household: Household) -> None:
    film = f"{household['mediaserver_media']}/movies/Own"
    assert as_member(host, f"mkdir {film} && echo film > {film}/film.mkv").rc == 0
    assert as_service(host, household, f"cat {film}/film.mkv").stdout == "film\n"
    # In Jellyfin's container, in which the library is read-only.
    read = host.run(
        "docker exec $(docker ps -q -f label=com.docker.compose.service=jellyfin) cat /media/movies/Own/film.mkv"
    )
    assert read.stdout == "film\n", read.stderr
    assert (
        as_service(host, household, f"echo subtitles > {film}/film.srt && mv {film}/film.srt {film}/film.en.srt").rc
        == 0
    )


@pytest.mark.usefixtures("member")
def test_member_can_change_files_of_services(host: Any, household: Household) -> None:
    film, complete = (
        f"{household['mediaserver_media']}/movies/Ours",
        f"{household['mediaserver_downloads']}/complete/ours",
    )
    made = as_service(host, household, f"mkdir {film} && echo film > {complete} && ln {complete} {film}/film.mkv")
    assert made.rc == 0, made.stderr
    assert as_member(host, f"mv {film}/film.mkv {film}/renamed.mkv && rm -r {film} {complete}").rc == 0


@pytest.mark.usefixtures("member")
def test_service_can_take_torrent_of_member(host: Any, household: Household) -> None:
    torrent = f"{household['mediaserver_downloads']}/watch/own.torrent.off"
    assert as_member(host, f"echo torrent > {torrent}").rc == 0
    assert as_service(host, household, f"cat {torrent} && mv {torrent} {torrent}.added && rm {torrent}.added").rc == 0


def test_unknown_member_is_refused_by_name(inventory: str) -> None:
    result = playbook.run(inventory, "--extra-vars", json.dumps({"mediaserver_members": [MEMBER, "no-such-account"]}))
    assert not result.ok
    assert "mediaserver_members" in result.failures
    assert "no-such-account" in result.failures
    assert result.stats["changed"] == 0


@pytest.fixture
def old_media(host: Any, household: Household) -> Iterator[str]:
    path = f"{household['mediaserver_media']}/movies/Old films"
    host.check_output(f"install -d -o 1234 -g 1234 -m 0700 '{path}'")
    yield path
    host.check_output(f"rmdir '{path}'")


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["run", "check"])
def test_media_of_other_owner_are_reported_and_unchanged(
    host: Any, inventory: str, old_media: str, arguments: list[str]
) -> None:
    result = playbook.run(inventory, "--tags", "storage", *arguments)
    assert result.ok, result.failures
    assert result.changed == []
    (task,) = [task for task in result.tasks if "cannot read" in task.name]
    (line,) = task.result["msg"]
    assert line.startswith(f"{old_media}: account ")
    assert "sudo chgrp -R" in line
    # It has inherited the setgid bit.
    assert host.check_output(f"stat --format '%u:%g %a' '{old_media}'") == "1234:1234 2700"


@pytest.fixture
def share(host: Any, household: Household) -> Iterator[str]:
    """A read-only share that only its owner can read."""
    path = f"{household['mediaserver_media']}/music"
    host.check_output(f"mount -t tmpfs -o ro,mode=0700,uid=1234 share {path}")
    yield path
    host.check_output(f"umount {path}")


def test_unreadable_read_only_share_is_reported(host: Any, inventory: str, share: str) -> None:
    result = playbook.run(inventory, "--tags", "storage")
    assert result.ok, result.failures
    assert result.changed == []
    (task,) = [task for task in result.tasks if "cannot read" in task.name]
    assert [line.split(":")[0] for line in task.result["msg"]] == [share]


def test_read_only_data_folder_is_refused(host: Any, household: Household, inventory: str) -> None:
    path = household["mediaserver_downloads"]
    host.check_output(f"mount --bind {path} {path} && mount -o remount,bind,ro {path}")
    try:
        result = playbook.run(inventory)
    finally:
        host.check_output(f"umount {path}")
    assert not result.ok
    assert f"{path} is on {path}" in result.failures
    assert "mounted read-only" in result.failures
    assert result.stats["changed"] == 0
