# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the modules' documentation runs on a household, which a run of the site then finds and repairs."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import playbook
import pytest
import yaml
from contract import Household
from four import play

MODULES = sorted((playbook.ROOT / "plugins" / "modules").glob("*.py"))
# Would forbid new folders in /mnt on a Pi whose disk is not there, and refuses to where files are; so it is only
# foretold, for an empty folder. Its own tests show it at work.
ONLY_FORETOLD = {"mount_guard"}
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
    if module.stem in ONLY_FORETOLD:
        text = str(text).replace(f"path: {MOUNT_POINT}", f"path: {EMPTY}\n  check_mode: true")
    tasks: list[dict[str, Any]] = yaml.safe_load(str(text))
    return tasks


@pytest.fixture(scope="module")
def values(host: Any, house: Household) -> dict[str, str]:
    """What the examples take for granted: variables, and folders that their owner has made."""
    host.check_output(f"install -d -m 0755 /etc/mediaserver /etc/wireguard /var/lib/jackett {EMPTY}")
    shelf = f"{house['mediaserver_media']}/old-tv"
    host.check_output(f"install -d -m 0755 -o {house['mediaserver_uid']} {shelf} && touch {shelf}/.there")
    host.check_output(f"cp -p {house['mediaserver_root']}/secrets/jellyfin.key /etc/mediaserver/jellyfin-api-key")
    host.check_output("umask 077; docker exec mediaserver-wireguard-1 wg genkey > /etc/wireguard/restored.key")
    return {
        "transmission_password": house["transmission_password"],
        "jackett_password": house["jackett_admin_password"],
        "jellyfin_password": house["jellyfin_admin_password"],
        "gateway_private_key": host.check_output("docker exec mediaserver-wireguard-1 wg genkey").strip(),
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_its_examples_run(inventory: str, tmp_path: Path, values: dict[str, str], module: Path) -> None:
    tasks = examples(module)
    assert any(f"household.mediaserver.{module.stem}" in task for task in tasks)
    answers = play(inventory, tmp_path, tasks, "--extra-vars", json.dumps(values))
    assert [answer["msg"] for answer in answers if answer.get("failed")] == []


def test_the_household_is_as_before(host: Any, inventory: str) -> None:
    assert playbook.run(inventory).ok
    again = playbook.run(inventory)
    assert again.ok, again.failures
    assert [task.name for task in again.changed] == []
    host.check_output(f"rm -rf /etc/mediaserver /etc/wireguard /var/lib/jackett {EMPTY}")
