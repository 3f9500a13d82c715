# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml by Ansible itself: what it refuses ends with a message of this collection, before anything changes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
WRONG_TYPES: dict[str, Any] = {
    "mediaserver_uid": "many",
    "mediaserver_lan": "192.168.1.0/24",
    "mediaserver_secure_logging": "perhaps",
    "preflight_min_year": "soon",
    "host_reboot_allowed": "perhaps",
}
# The measurement reads these.
MEASURED: dict[str, Any] = {
    "mediaserver_ports": "9091",
    "mediaserver_data": ["/mnt"],
    "mediaserver_user": {"a": 1},
}


def site(folder: Path, *arguments: str, **variables: Any) -> tuple[int, str]:
    """Run site.yml in check mode on this machine; return the status and what it printed, on one line."""
    inventory = folder / "hosts.yml"
    inventory.write_text("mediaserver: {hosts: {pi: {ansible_connection: local}}}\n")
    known = {"ansible_become": False, "ansible_python_interpreter": "/usr/bin/python3", **variables}
    done = subprocess.run(
        ["ansible-playbook", "--inventory", str(inventory), "--check", "--extra-vars", json.dumps(known), *arguments,
         "playbooks/site.yml"],
        cwd=ROOT,
        env=os.environ
        | {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOME": str(folder / "home"),
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("variables", [WRONG_TYPES, MEASURED], ids=["checked", "measured"])
def test_preflight_names_every_variable_of_a_wrong_type(tmp_path: Path, variables: dict[str, Any]) -> None:
    status, shown = site(tmp_path, **variables)
    assert status != 0
    assert "Nothing has been changed on pi. To be corrected first:" in shown
    listed = shown.split("To be corrected first:")[1]
    assert [name for name in variables if f"- {name}: " not in listed] == []
    assert "Validation of arguments failed" not in shown
    assert "changed=0" in shown


def test_a_variable_that_is_not_defined_is_named(tmp_path: Path) -> None:
    status, shown = site(tmp_path, mediaserver_notify="{{ vault_mediaserver_notify }}")
    assert status != 0
    assert "'vault_mediaserver_notify' is undefined" in shown
    assert "changed=0" in shown


@pytest.mark.parametrize("task", ["Configure Jellyfin", "household.mediaserver.stack : Start *"])
def test_a_start_in_the_middle_is_refused(tmp_path: Path, task: str) -> None:
    status, shown = site(tmp_path, "--start-at-task", task)
    assert status != 0
    assert f"--start-at-task {task} is refused" in shown
    assert "--tags jellyfin" in shown
    assert "TASK" not in shown
    assert "undefined" not in shown
