# SPDX-License-Identifier: GPL-3.0-or-later
"""One service from the backup on a Pi that runs: a damaged database, a repository that is not whole, a kill."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from typing import Any

import playbook
import pytest
from contract import Household
from jellyfin import administrators_token, ask
from record import differences, record

DATABASE = "/opt/mediaserver/config/jellyfin/data/jellyfin.db"
REPOSITORY = "/mnt/backup"
# The lab's Pi has one disk, on which no backup is made by default.
VARIABLES = json.dumps({"upkeep_backup_repository": REPOSITORY})
PATIENCE_S = 120


def mediaserver(host: Any, *arguments: str) -> Any:
    return host.run(shlex.join(["/opt/mediaserver/scripts/mediaserver", *arguments]))


@pytest.fixture(scope="module", autouse=True)
def backup(host: Any, inventory: str) -> None:
    result = playbook.run(inventory, "--extra-vars", VARIABLES, "--tags", "host,runtime,upkeep")
    assert result.ok, result.failures
    done = mediaserver(host, "backup")
    assert done.rc in (0, 3), done.stderr


@pytest.fixture
def damaged(host: Any) -> Iterator[None]:
    host.check_output("docker stop mediaserver-jellyfin-1")
    host.check_output(f"truncate --size 5000 {DATABASE}; rm -f {DATABASE}-wal {DATABASE}-shm")
    host.check_output("docker start mediaserver-jellyfin-1")
    yield


def test_drill_succeeds_and_status_has_its_time(host: Any) -> None:
    done = mediaserver(host, "restore", "--drill", "--json")
    assert done.rc == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["done"], found["databases"] > 0, found["rows"] > 0) == ("drill", True, True)
    assert json.loads(host.check_output("cat /var/lib/mediaserver/backup.json"))["drill"] > 0
    assert not host.file("/mnt/cache/backup/scratch/drill").exists


@pytest.mark.usefixtures("damaged")
def test_status_names_a_damaged_database_and_its_command_mends_it(host: Any, household: Household) -> None:
    mediaserver(host, "health", "--quiet")
    status = mediaserver(host, "status")
    assert "its database is damaged" in status.stdout
    command = "sudo mediaserver restore jellyfin --at yesterday"
    assert command in status.stdout
    # There is no backup of yesterday in the lab.
    done = mediaserver(host, "restore", "jellyfin", "--json")
    assert done.rc == 0, done.stderr
    assert "libraries" in " ".join(json.loads(done.stdout)["seen"])
    assert ask(household, "/Library/VirtualFolders", token=administrators_token(household))[0] == 200


def test_killed_in_the_middle_the_next_one_works(host: Any, household: Household) -> None:
    before = record(host, household, {})
    for seconds in (1, 3, 6, 10):
        host.run(f"timeout --signal KILL {seconds} /opt/mediaserver/scripts/mediaserver restore jellyfin --at newest")
        # A restore that had begun to move files is put back; else there is nothing to do.
        done = mediaserver(host, "restore", "--complete")
        assert done.rc == 0, done.stderr
    done = mediaserver(host, "restore", "jellyfin", "--at", "newest")
    assert done.rc == 0, done.stderr
    assert differences(before, record(host, household, {})) == []


@pytest.mark.parametrize("damage", ["truncated", "wrong password"])
def test_repository_that_cannot_be_trusted_changes_nothing(host: Any, household: Household, damage: str) -> None:
    before = record(host, household, {})
    host.check_output(f"cp -a {REPOSITORY} {REPOSITORY}.good")
    try:
        if damage == "truncated":
            packs = f"find {REPOSITORY}/data -type f -size +1k"
            host.check_output(f"{packs} -exec chmod u+w {{}} + -exec truncate --size 500 {{}} +")
            host.check_output("rm -rf /mnt/cache/backup/restic")
        else:
            host.check_output("cd /opt/mediaserver/secrets/backup && mv password.made kept && echo x > password.made")
        done = mediaserver(host, "restore", "jellyfin")
        assert done.rc == 1
        assert "restic" in done.stderr
    finally:
        host.check_output(f"rm -rf {REPOSITORY} && mv {REPOSITORY}.good {REPOSITORY}")
        host.run("cd /opt/mediaserver/secrets/backup && mv kept password.made")
    assert differences(before, record(host, household, {})) == []


def test_the_playbook_of_a_new_pi_refuses_this_one(host: Any, household: Household, inventory: str) -> None:
    before = record(host, household, {})
    path = playbook.SITE.parent / "restore.yml"
    result = playbook.run(inventory, "--extra-vars", VARIABLES, "--extra-vars", "restore_password=x", playbook=path)
    assert not result.ok
    assert "This Pi is not blank" in result.failures
    assert result.stats["changed"] == 0
    assert differences(before, record(host, household, {})) == []


def test_refetch_of_a_disk_that_lives_has_nothing_to_do(host: Any) -> None:
    found = json.loads(mediaserver(host, "refetch", "--dry-run", "--json").stdout)
    assert (found["download"], found["verify"]) == ([], [])


def test_an_emptied_disk_is_filled_onto_the_same_paths(host: Any, household: Household) -> None:
    """Only what the lab's seeder offers can download again; the rest is listed."""
    media, downloads = household["mediaserver_media"], household["mediaserver_downloads"]
    before = host.check_output(f"find {shlex.quote(media)} -type f -name '*.mkv' -printf '%P\\n'").splitlines()
    host.check_output("docker stop mediaserver-transmission-1")
    host.check_output(f"find {shlex.quote(media)} {shlex.quote(downloads)} -type f ! -name '.mediaserver*' -delete")
    host.check_output("od -An -N16 -tx1 /dev/urandom | tr -d ' \\n' > /mnt/.mediaserver-disk-id")
    host.check_output("docker start mediaserver-transmission-1")
    deadline = time.monotonic() + PATIENCE_S
    while (done := mediaserver(host, "refetch", "--yes", "--json")).rc not in (0, 3):
        assert time.monotonic() < deadline, done.stderr
        time.sleep(2)
    found = json.loads(done.stdout)
    assert found["download"] or found["without_torrent"], found
    back: list[str] = []
    while found["download"] and not back:
        assert time.monotonic() < deadline, found
        time.sleep(2)
        back = host.check_output(f"find {shlex.quote(media)} -type f -name '*.mkv' -printf '%P\\n'").splitlines()
    assert set(back) <= set(before), "a file has another path than before"
