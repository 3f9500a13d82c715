# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role upkeep installs for the backup: settings that the program reads, secrets, and the inventory folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parents[3] / "roles" / "runtime" / "files" / "lib"))

from mediaserver.backup.settings import Settings
from mediaserver.backup.sources import Kind, listed
from rendered_households import value

ROOT = Path("/opt/mediaserver")
LOCATION, PASSWORD = "rest:https://house:s3cr3t@backup.example/", "correct-horse"
VAULT = "$ANSIBLE_VAULT;1.1;AES256\n3338\n"


def settings(**given: Any) -> Settings:
    entries = value("__upkeep_files", role="upkeep", **given)
    (content,) = [one["content"] for one in entries if one["path"] == "/opt/mediaserver/backup.json"]
    return Settings.from_json(ROOT, json.loads(content))


def test_what_is_kept_follows_from_the_registry() -> None:
    found = list(listed(settings()))
    of = {
        name: {str(one.path.relative_to(ROOT)) for one in found if one.service == name}
        for name in ("jellyfin", "jackett")
    }
    assert {"config/jellyfin/data/device.txt", "config/jellyfin/data/jellyfin.db"} <= of["jellyfin"]
    assert "config/jackett/Jackett/DataProtection" in of["jackett"]
    databases = [one.path.name for one in found if one.kind is Kind.DATABASE]
    assert databases == ["jellyfin.db"]
    project = {str(one.path) for one in found if not one.service}
    assert {f"{ROOT}/secrets", f"{ROOT}/gateway", f"{ROOT}/backup", "/var/lib/mediaserver"} <= project
    assert not [one for one in found if one.path.is_relative_to("/mnt")], "media and downloads are not in it"


def test_own_services_are_kept_like_the_others() -> None:
    own = {"name": "sonarr", "image": "o/sonarr:4", "backup": {"databases": ["sonarr.db"]}}
    found = {
        (str(one.path), one.kind)
        for one in listed(settings(mediaserver_extra_services=[own]))
        if one.service == "sonarr"
    }
    assert found == {(f"{ROOT}/config/sonarr", Kind.FILES), (f"{ROOT}/config/sonarr/sonarr.db", Kind.DATABASE)}


def test_the_library_is_kept_where_it_is_asked_for() -> None:
    assert settings(upkeep_backup_media=True).media == (Path("/mnt/media"),)


def test_secrets_are_files_of_root_and_in_no_content() -> None:
    given = {"upkeep_backup_repository": LOCATION, "upkeep_backup_password": PASSWORD}
    given["upkeep_backup_environment"] = {"AWS_SECRET_ACCESS_KEY": "s3cr3t-key"}  # type: ignore[assignment]
    entries = value("__upkeep_files", role="upkeep", **given)
    secrets = value("__upkeep_secrets", role="upkeep", **given)
    assert "s3cr3t" not in str(entries) and PASSWORD not in str(entries)
    assert secrets["/opt/mediaserver/backup/repository"] == f"{LOCATION}\n"
    assert secrets["/opt/mediaserver/backup/password"] == f"{PASSWORD}\n"
    assert json.loads(secrets["/opt/mediaserver/backup/environment.json"]) == {"AWS_SECRET_ACCESS_KEY": "s3cr3t-key"}
    modes = {one["path"]: one["mode"] for one in entries if one["path"].startswith("/opt/mediaserver/backup")}
    assert modes.pop("/opt/mediaserver/backup") == "0700" and set(modes.values()) == {"0600"}
    assert set(secrets) == {
        one["path"] for one in entries if one.get("state", "file") == "file" and "content" not in one
    }
    assert settings(**given).given_repository


def test_a_password_made_on_the_host_is_left_alone() -> None:
    secrets = value("__upkeep_secrets", role="upkeep")
    assert not {"/opt/mediaserver/backup/password", "/opt/mediaserver/backup/repository"} & set(secrets)


def test_cron_has_the_schedule() -> None:
    entries = value("__upkeep_files", role="upkeep", upkeep_backup_schedule="30 4 * * 1")
    (cron,) = [one["content"] for one in entries if one["path"] == "/etc/cron.d/mediaserver-backup"]
    line = cron.splitlines()[-1]
    assert line.startswith("30 4 * * 1 root systemd-cat --identifier=mediaserver-backup /opt/mediaserver/scripts/")
    assert line.endswith("/mediaserver backup --quiet")


def test_without_the_backup_its_files_are_removed_but_no_secret() -> None:
    off = {"upkeep_backup": False}
    assert value("__upkeep_removed", role="upkeep", **off) == [
        "/etc/cron.d/mediaserver-backup",
        "/opt/mediaserver/backup.json",
    ]
    paths = {one["path"] for one in value("__upkeep_files", role="upkeep", **off)}
    assert not {one for one in paths if "backup" in one}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    files = {
        "hosts.yml": "mediaserver: {hosts: {livingroom: {}}}\n",
        "group_vars/all/vault.yml": VAULT,
        "host_vars/livingroom/main.yml": "jellyfin_name: '{{ inventory_hostname }}'\n",
        "host_vars/neighbour/vault.yml": "secret-of-others\n",
        ".git/config": "hidden\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "cert.pfx").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "link").symlink_to("/etc/hostname")
    return tmp_path


def test_the_inventory_folder_is_copied_with_its_vault_encrypted(inventory: Path) -> None:
    given = {"inventory_dir": str(inventory), "group_names": ["mediaserver"]}
    entries = value("__upkeep_files", role="upkeep", **given)
    secrets = value("__upkeep_secrets", role="upkeep", **given)
    top = "/var/lib/mediaserver/inventory"
    found = {path.removeprefix(f"{top}/"): text for path, text in secrets.items() if path.startswith(top)}
    assert found == {
        "cert.pfx.base64": "//4A\n",
        "group_vars/all/vault.yml": VAULT,
        "host_vars/livingroom/main.yml": "jellyfin_name: '{{ inventory_hostname }}'\n",
        "hosts.yml": "mediaserver: {hosts: {livingroom: {}}}\n",
    }
    folders = [one for one in entries if one["path"].startswith(top) and one.get("state") == "directory"]
    assert [one["path"].removeprefix(top) for one in folders] == [
        *("", "/group_vars", "/group_vars/all", "/host_vars", "/host_vars/livingroom")
    ]
    assert {one["mode"] for one in folders} == {"0700"} and folders[0]["exclusive"] is True


def test_without_an_inventory_folder_nothing_is_copied() -> None:
    assert not [one for one in value("__upkeep_files", role="upkeep", inventory_dir="") if "inventory" in one["path"]]
