# SPDX-License-Identifier: GPL-3.0-or-later
"""Which units are measured, also when a variable is wrong: preflight names it only after the measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
PROGRAMS = {"mediaserver-barrier-keeper.service", "vpn-monitor.service", "mediaserver-discovery.service"}
IMPORT = {"mediaserver-import.path", "mediaserver-import.timer"}
OTHERS = {
    *("docker.service", "systemd-journald.service", "mediaserver-barrier.service", "mediaserver.service"),
    *PROGRAMS,
    *IMPORT,
    "mediaserver-updates.timer",
}


def units(data: Any) -> dict[str, list[str]]:
    known = DataLoader().load_from_file(str(ROLES / "mediaserver/vars/main.yml"), trusted_as_template=True)
    known |= {"role_path": str(ROLES / "preflight"), "mediaserver_root": "/opt/mediaserver", "mediaserver_data": data}
    templar = Templar(DataLoader(), variables=known)
    return dict(templar.template(trust_as_template("{{ __mediaserver_unit_files }}")))


def test_measures_the_mount_of_the_data_with_its_file() -> None:
    found = units("/mnt/media-disk")
    assert set(found) == OTHERS | {r"mnt-media\x2ddisk.mount"}
    assert found[r"mnt-media\x2ddisk.mount"] == [r"/etc/systemd/system/mnt-media\x2ddisk.mount"]


@pytest.mark.parametrize("data", ["~/media", "mnt", "", None, 7])
def test_data_without_an_absolute_path_does_not_end_the_measurement(data: Any) -> None:
    assert set(units(data)) == OTHERS


def test_measures_the_host_s_programs_with_every_file_and_their_unit() -> None:
    """An interrupted run has replaced a program that a process has loaded."""
    found = units("/mnt")
    for unit in PROGRAMS:
        files = found[unit]
        assert f"/etc/systemd/system/{unit}" in files
        assert {"/opt/mediaserver/scripts/vpn-gateway", "/opt/mediaserver/lib/mediaserver/programs.py"} <= set(files)
        # Shared with the modules.
        assert "/opt/mediaserver/lib/mediaserver/_core/files.py" in files
        # A folder is younger than its process as soon as Python has written its cache.
        assert "/opt/mediaserver/lib/mediaserver" not in files


@pytest.mark.parametrize(
    ("containers", "named"),
    [
        ([], []),
        ([{"name": "mediaserver-vpn-1", "project": "mediaserver"}], []),
        ([{"name": "claim", "project": "mediaserver-claim"}, {"name": "pihole", "project": ""}], ["pihole"]),
    ],
)
def test_containers_of_the_user_are_named_before_docker_depends_on_the_barrier(
    containers: list[dict[str, str]], named: list[str]
) -> None:
    known = DataLoader().load_from_file(str(ROLES / "preflight/vars/main.yml"), trusted_as_template=True)
    tasks = DataLoader().load_from_file(str(ROLES / "preflight/tasks/main.yml"), trusted_as_template=True)
    (task,) = [task for task in tasks if "depend on the barrier" in task["name"]]
    facts = {"mediaserver_host": {"docker_containers": containers}}
    for installed in (True, False):
        variables = {**known, "ansible_facts": facts, "__mediaserver_installed": installed}
        templar = Templar(DataLoader(), variables=variables)
        shown = all(templar.template(trust_as_template(f"{{{{ {when} }}}}")) for when in task["when"])
        assert shown is (bool(named) and not installed)
    if named:
        said = templar.template(task["ansible.builtin.debug"]["msg"])
        assert f"has containers of yours: {', '.join(named)}." in said
        assert "systemctl start docker.service" in said
