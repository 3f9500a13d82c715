# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in the modules' documentation run on a household; site.yml then repairs their changes."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import playbook
import pytest
import yaml
from contract import Household
from four_runs import run_tasks

MODULES = sorted((playbook.ROOT / "plugins" / "modules").glob("*.py"))
# Only in check mode and for an empty folder: on a Pi without a disk, mount_guard would make /mnt immutable.
CHECK_MODE_ONLY = {"mount_guard"}
MOUNT_POINT, EMPTY = "/mnt", "/srv/empty"


def examples(module: Path) -> list[dict[str, Any]]:
    (text,) = (
        node.value.value
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "EXAMPLES"
    )
    if module.stem in CHECK_MODE_ONLY:
        text = str(text).replace(f"path: {MOUNT_POINT}", f"path: {EMPTY}\n  check_mode: true")
    tasks: list[dict[str, Any]] = yaml.safe_load(str(text))
    return tasks


@pytest.fixture(scope="module")
def values(host: Any, household: Household) -> dict[str, str]:
    """Variables and folders that the examples require."""
    host.check_output(f"install -d -m 0755 /etc/mediaserver /etc/wireguard /var/lib/jackett {EMPTY}")
    old_tv = f"{household['mediaserver_media']}/old-tv"
    host.check_output(f"install -d -m 0755 -o {household['mediaserver_uid']} {old_tv} && touch {old_tv}/.there")
    host.check_output(f"cp -p {household['mediaserver_root']}/secrets/jellyfin.key /etc/mediaserver/jellyfin-api-key")
    host.check_output("umask 077; docker exec mediaserver-wireguard-1 wg genkey > /etc/wireguard/restored.key")
    return {
        "transmission_password": household["transmission_password"],
        "jackett_password": household["jackett_admin_password"],
        "jellyfin_password": household["jellyfin_admin_password"],
        "gateway_private_key": host.check_output("docker exec mediaserver-wireguard-1 wg genkey").strip(),
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_examples_run(inventory: str, tmp_path: Path, values: dict[str, str], module: Path) -> None:
    tasks = examples(module)
    assert any(f"household.mediaserver.{module.stem}" in task for task in tasks)
    answers = run_tasks(inventory, tmp_path, tasks, "--extra-vars", json.dumps(values))
    assert [answer["msg"] for answer in answers if answer.get("failed")] == []


def test_site_repairs_changes_of_examples(host: Any, inventory: str) -> None:
    assert playbook.run(inventory).ok
    again = playbook.run(inventory)
    assert again.ok, again.failures
    assert [task.name for task in again.changed] == []
    host.check_output(f"rm -rf /etc/mediaserver /etc/wireguard /var/lib/jackett {EMPTY}")
