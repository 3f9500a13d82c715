# SPDX-License-Identifier: GPL-3.0-or-later
"""The import of finished downloads: units, spool, script, credentials, and a command that tells what waits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract import Containers, Household
from rpc import session

pytestmark = [pytest.mark.service("transmission"), pytest.mark.evidence(units=["mediaserver-import"])]

SPOOL = "/var/lib/mediaserver/import"
STATE = "/var/lib/mediaserver/importer"
UNITS = ("mediaserver-import.path", "mediaserver-import.timer")


@pytest.fixture(autouse=True)
def _only_where_downloads_are_imported(household: Household) -> None:
    if not household["upkeep_import"]:
        pytest.skip("upkeep_import is false")


def test_units_wait_for_downloads_and_start_at_boot(host: Any) -> None:
    for unit in UNITS:
        assert host.check_output(f"systemctl is-active {unit}") == "active", unit
        assert host.check_output(f"systemctl is-enabled {unit}") == "enabled", unit


def test_runs_as_the_account_with_credentials_of_its_own(host: Any, household: Household) -> None:
    shown = host.check_output("systemctl show mediaserver-import.service --property User,NoNewPrivileges,UMask")
    wanted = {f"User={household['mediaserver_user']}", "NoNewPrivileges=yes", "UMask=0002"}
    assert set(shown.split()) == wanted
    unit = host.file("/etc/systemd/system/mediaserver-import.service").content_string
    assert f"LoadCredential=transmission:{household['mediaserver_root']}/gateway/transmission.json" in unit


def test_spool_is_writable_for_the_account_only(host: Any, household: Household) -> None:
    account = (household["mediaserver_uid"], household["mediaserver_gid"])
    for path, mode in ((SPOOL, "0o700"), (STATE, "0o755")):
        folder = host.file(path)
        assert (folder.uid, folder.gid, oct(folder.mode)) == (*account, mode), path


def test_transmission_alone_has_the_spool(host: Any, containers: Containers) -> None:
    mounts = json.loads(host.check_output("docker inspect --format '{{json .Mounts}}' mediaserver-transmission-1"))
    assert {mount["Destination"]: mount["Source"] for mount in mounts}["/import"] == SPOOL
    everything = host.check_output(
        "docker ps --quiet --filter label=com.docker.compose.project=mediaserver"
        " | xargs docker inspect --format '{{.Name}} {{json .Mounts}}'"
    )
    assert [line.split()[0] for line in everything.splitlines() if SPOOL in line] == ["/mediaserver-transmission-1"]
    assert STATE not in everything
    assert containers is not None


def test_transmission_runs_the_script(household: Household) -> None:
    found = session(household)
    assert found["script-torrent-done-enabled"] is True
    assert found["script-torrent-done-filename"] == "/entrypoints/torrent-done.sh"


def test_disk_has_an_id_that_was_made_once(host: Any, household: Household) -> None:
    marker = host.file(f"{household['mediaserver_data']}/.mediaserver-disk-id")
    assert (marker.user, len(marker.content_string.strip())) == ("root", 32)
    int(marker.content_string, 16)


def test_status_tells_what_waits_without_sudo(host: Any, household: Household) -> None:
    command = f"{household['mediaserver_root']}/scripts/mediaserver status --json"
    told = host.run(f"setpriv --reuid 65534 --regid 65534 --clear-groups {command}")
    assert told.rc in (0, 3), told.stderr
    assert json.loads(told.stdout)["downloads"]["import"] == "runs"
