# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role upkeep installs: settings that the import reads, units, and Transmission's script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parents[3] / "roles" / "runtime" / "files" / "lib"))

from mediaserver._transmission.access import Access
from mediaserver.importer.library import disk_of
from mediaserver.importer.program import runner
from mediaserver.importer.settings import Credentials, Library, Settings
from rendered_households import ALL, ROLES, value

SCRIPT = ROLES / "stack" / "files" / "entrypoints" / "torrent-done.sh"
HASH = "0123456789abcdef0123456789abcdef01234567"


def settings(**given: Any) -> Settings:
    return Settings.from_json(value("__upkeep_settings", role="upkeep", **given))


def unit(name: str, **given: Any) -> str:
    return str(value(f"lookup('ansible.builtin.template', 'mediaserver-import.{name}.j2')", role="upkeep", **given))


def test_the_import_reads_what_the_role_writes() -> None:
    found = settings()
    assert (found.media, found.downloads) == (Path("/mnt/media"), Path("/mnt/downloads"))
    assert (found.spool, found.state) == (Path("/var/lib/mediaserver/import"), Path("/var/lib/mediaserver/importer"))
    assert found.disk_id == Path(value("__storage_disk_id", role="storage"))
    assert found.jellyfin_url == "http://127.0.0.1:8096"
    assert found.libraries == (
        Library("movies", "movies"),
        Library("music", "music"),
        Library("books", "books"),
        Library("tv", "tvshows"),
    )
    assert found.ignore == ("sonarr", "radarr", "lidarr", "readarr", "tv-sonarr", "radarr-movies")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"mediaserver_bind_address": "192.168.1.5"}, "http://192.168.1.5:8096"),
        ({"mediaserver_ports": {"jellyfin": 18096}}, "http://127.0.0.1:18096"),
        ({"mediaserver_ports": {}}, "http://127.0.0.1:8096"),
        ({"jellyfin_network_settings": {"BaseUrl": "/films"}}, "http://127.0.0.1:8096/films"),
    ],
)
def test_jellyfin_is_asked_where_it_is_published(given: dict[str, Any], url: str) -> None:
    assert settings(**given).jellyfin_url == url


def test_a_library_that_is_removed_is_not_waited_for() -> None:
    libraries = [{"name": "Movies", "type": "movies", "paths": ["/media/movies"]}, {"name": "TV", "state": "absent"}]
    assert settings(jellyfin_libraries=libraries).libraries == (Library("movies", "movies"),)


def test_without_jellyfin_nothing_of_it_is_needed() -> None:
    without = {"stack_services": list(ALL[:-1])}
    assert settings(**without).jellyfin_url == ""
    assert "jellyfin" not in unit("service", **without)


@pytest.mark.parametrize(
    ("given", "imports"),
    [
        ({}, True),
        ({"upkeep_import": False}, False),
        ({"stack_services": [name for name in ALL if name != "transmission"]}, False),
    ],
)
def test_imports_unless_switched_off_or_without_transmission(given: dict[str, Any], imports: bool) -> None:
    assert value("__upkeep_imports", role="upkeep", **given) is imports
    if "stack_services" not in given:
        wanted = value("__transmission_wanted_settings", role="transmission", **given)
        assert wanted["script-torrent-done-enabled"] is imports


def test_service_runs_as_the_account_and_keeps_one_mount() -> None:
    text = unit("service")
    assert "User=mediaserver\nGroup=mediaserver\nUMask=0002\n" in text
    assert "LoadCredential=transmission:/opt/mediaserver/gateway/transmission.json\n" in text
    assert "LoadCredential=jellyfin:/opt/mediaserver/secrets/jellyfin.key\n" in text
    assert "ExecStart=/opt/mediaserver/scripts/mediaserver import\n" in text
    # A mount of its own for library and downloads would make every hard link fail.
    assert not [line for line in text.splitlines() if line.startswith(("ReadWritePaths=", "BindPaths="))]
    assert "ProtectSystem=strict" not in text


def disk_id_task() -> dict[str, Any]:
    tasks = yaml.safe_load((ROLES / "storage" / "tasks" / "main.yml").read_text())
    return next(task for task in tasks if task["name"] == "Give the disk an id, once")


def test_disk_gets_a_random_id_that_the_import_reads(tmp_path: Path) -> None:
    command = disk_id_task()["ansible.builtin.command"]
    found = set()
    for name in ("one", "two"):
        (tmp_path / f"{name}.new").write_text("left by a power cut")
        argv = [part.replace("{{ __storage_disk_id }}", str(tmp_path / name)) for part in command["argv"]]
        subprocess.run(argv, check=True, umask=0o077)
        found.add(disk_of(tmp_path / name))
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o644
    assert len(found) == 2
    # With it, the command does not run again.
    assert command["creates"] == "{{ __storage_disk_id }}"


def test_a_run_has_refused_credentials_tried_again() -> None:
    credentials = Credentials(Access("http://172.31.254.2:9091/transmission/rpc", "family", "x"))
    made = runner(settings(), credentials)
    files = [str(service.refused) for service in (made.transmission_service, made.jellyfin_service)]
    assert value("__upkeep_refused", role="upkeep")[:2] == files, "the third is the health check's"
    (task,) = yaml.safe_load((ROLES / "preflight" / "tasks" / "measure.yml").read_text())
    probe = task["household.mediaserver.host_info"]["probe"].strip().removeprefix("{{").removesuffix("}}")
    assert set(files) <= set(value(probe, role="upkeep", __mediaserver_overrides=[]))


def test_path_unit_watches_the_folder_that_the_container_has() -> None:
    mounts = value("__stack_project.compose", role="stack")
    assert "source: /var/lib/mediaserver/import, target: /import," in mounts
    assert "DirectoryNotEmpty=/var/lib/mediaserver/import\n" in unit("path")
    assert "/import/$TR_TORRENT_HASH" in SCRIPT.read_text()


def run_script(folder: Path, torrent: str | None) -> int:
    script = folder / "torrent-done.sh"
    script.write_text(SCRIPT.read_text().replace("/import/", f"{folder}/import/"))
    (folder / "import").mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], **({} if torrent is None else {"TR_TORRENT_HASH": torrent})}
    return subprocess.run(["sh", str(script)], env=environment, check=False, capture_output=True).returncode


def test_script_is_executable_and_makes_one_empty_file(tmp_path: Path) -> None:
    assert os.access(SCRIPT, os.X_OK)
    assert run_script(tmp_path, HASH) == 0
    assert run_script(tmp_path, HASH) == 0
    (made,) = (tmp_path / "import").iterdir()
    assert (made.name, made.read_bytes()) == (HASH, b"")


@pytest.mark.parametrize("torrent", [None, "", "../../etc/passwd", "a b", "abc/", "$(id)", "x" * 40])
def test_script_refuses_what_is_not_a_hash(tmp_path: Path, torrent: str | None) -> None:
    assert run_script(tmp_path, torrent) != 0
    assert list((tmp_path / "import").iterdir()) == []
