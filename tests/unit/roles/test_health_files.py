# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role upkeep installs for the health check: settings that it reads, its secret, and its cron job."""

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

from mediaserver._core.names import HEALTH_IDENTIFIER, IMPORT_PATH_UNIT, IMPORT_TIMER_UNIT
from mediaserver.health import outputs, report
from mediaserver.health.settings import FOLDER, PING, SETTINGS, STATUS, JellyfinSettings, Settings
from mediaserver.health.transmission import REFUSED
from rendered_households import ALL, ROLES, value

SECRET = "https://hc.example/s3cr3t"


def settings(**given: Any) -> Settings:
    return Settings.from_json(value("__upkeep_health_settings", role="upkeep", **given))


def cron(**given: Any) -> str:
    return str(value("lookup('ansible.builtin.template', 'mediaserver.cron.j2')", role="upkeep", **given))


def test_the_health_check_reads_what_the_role_writes() -> None:
    found = settings(jellyfin_admin_user="family")
    assert (found.state, found.data, found.downloads) == (
        Path("/var/lib/mediaserver"),
        Path("/mnt"),
        Path("/mnt/downloads"),
    )
    assert (found.disk_uuid, found.transmission, found.jackett_port) == ("", True, 9117)
    assert found.jellyfin == JellyfinSettings(
        "http://127.0.0.1:8096", "family", (Path("/opt/mediaserver/config/jellyfin"), Path("/mnt/cache/jellyfin"))
    )
    assert (found.disk_warning_percent, found.disk_stop_percent, found.disk_resume_percent) == (90, 95, 85)
    assert (found.reminder_hours, found.login_message, found.temperature_warning) == (24, True, 80)
    assert found.metrics == "/var/lib/prometheus/node-exporter"


def test_the_units_that_are_started_are_checked() -> None:
    assert settings().units == tuple(value("__upkeep_wanted_units", role="upkeep"))
    assert settings(upkeep_updates=False, upkeep_discovery=False).units == (IMPORT_PATH_UNIT, IMPORT_TIMER_UNIT)


@pytest.mark.parametrize(
    ("left_out", "attribute", "expected"),
    [("transmission", "transmission", False), ("jackett", "jackett_port", 0), ("jellyfin", "jellyfin", None)],
)
def test_a_service_that_is_left_out_is_not_asked(left_out: str, attribute: str, expected: Any) -> None:
    found = settings(stack_services=[name for name in ALL if name != left_out])
    assert getattr(found, attribute) == expected


def test_the_household_s_own_page_is_asked_first() -> None:
    pages = settings(gateway_address_page="http://page.example/").address_pages
    assert pages[0] == "http://page.example/" and len(pages) == 4
    assert len(settings(gateway_address_page="https://icanhazip.com").address_pages) == 3
    assert settings(upkeep_health_address_pages=[]).address_pages == ()


def test_a_media_disk_is_expected_by_its_uuid() -> None:
    assert settings(storage_uuid="0b0e-0d3c").disk_uuid == "0b0e-0d3c"


def test_files_are_where_the_program_looks_and_secrets_are_root_s() -> None:
    entries = value("__upkeep_files", role="upkeep", upkeep_health_ping_url=SECRET)
    modes = {one["path"]: one["mode"] for one in entries}
    assert modes[f"/opt/mediaserver/{SETTINGS}"] == "0600"
    assert modes[f"/opt/mediaserver/{PING}"] == "0600"
    assert "s3cr3t" not in str(entries)
    secrets = value("__upkeep_secrets", role="upkeep", upkeep_health_ping_url=SECRET)
    assert secrets[f"/opt/mediaserver/{PING}"] == f"{SECRET}\n"


def test_without_the_health_check_nothing_of_it_is_installed() -> None:
    off = {"upkeep_health": False, "upkeep_health_ping_url": SECRET}
    paths = {one["path"] for one in value("__upkeep_files", role="upkeep", **off)}
    assert not paths & set(value("__upkeep_removed", role="upkeep", **off))
    assert "/opt/mediaserver/import.json" in paths
    assert "s3cr3t" not in str(value("__upkeep_secrets", role="upkeep", **off))


def test_only_what_is_not_wanted_is_removed() -> None:
    assert value("__upkeep_removed", role="upkeep") == []
    assert value("__upkeep_removed", role="upkeep", upkeep_import=False) == ["/opt/mediaserver/import.json"]


def test_what_is_removed_is_measured_before() -> None:
    removed = set(value("__upkeep_removed", role="upkeep", upkeep_import=False, upkeep_health=False))
    assert {"/etc/cron.d/mediaserver", f"/var/lib/mediaserver/{STATUS}", str(outputs.LOGIN_MESSAGE)} <= removed
    (task,) = yaml.safe_load((ROLES / "preflight/tasks/measure.yml").read_text(encoding="utf-8"))
    probe = set(value(task["household.mediaserver.host_info"]["probe"].strip("{} "), role="preflight"))
    refused = set(value("__upkeep_refused", role="upkeep"))
    assert f"/var/lib/mediaserver/{FOLDER}/{REFUSED}" in refused, "the health check keeps its own note"
    assert removed | refused <= probe


def test_cron_runs_it_every_interval() -> None:
    text = cron()
    assert "household.mediaserver" in text.splitlines()[0], "preflight would take it for another program's file"
    assert text.endswith("\n"), "cron ignores a last line without an end"
    (job,) = (line for line in text.splitlines() if line.startswith("*"))
    minutes, *rest = job.split(maxsplit=6)
    assert int(minutes.removeprefix("*/")) * 60 == report.INTERVAL_S
    assert (rest[:5], "%" in job) == (["*", "*", "*", "*", "root"], False), "cron ends a command at a percent sign"


def test_the_command_of_the_cron_job_is_one_that_exists(tmp_path: Path) -> None:
    """Run as cron does, with programs in the place of the real ones."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "scripts").mkdir()
    for name, body in (("systemd-cat", 'shift; exec "$@"'), ("nice", 'exec "$@"')):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
    (tmp_path / "scripts" / "mediaserver").write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    for path in (*(tmp_path / "bin").iterdir(), tmp_path / "scripts" / "mediaserver"):
        path.chmod(0o755)
    (job,) = (line for line in cron(mediaserver_root=str(tmp_path)).splitlines() if line.startswith("*"))
    command = job.split(maxsplit=6)[6]
    assert command.startswith(f"systemd-cat --identifier={HEALTH_IDENTIFIER} "), "the name that logs shows"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("<health><--quiet>", "")


def test_the_packages_of_the_health_check_are_installed() -> None:
    packages = yaml.safe_load((ROLES / "host/defaults/main.yml").read_text(encoding="utf-8"))["host_packages"]
    assert {"cron", "smartmontools", "apprise"} <= set(packages)
