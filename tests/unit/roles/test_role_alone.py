# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role alone, by Ansible itself on a blank host: what it lacks is named, with the role that brings it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
# Roles that need others, and what is named. Docker and packages are left out: this machine may have them.
MISSING = {
    "gateway": ["{root}/scripts/vpn-gateway (role runtime)", "Run playbooks/site.yml, or the named roles"],
    "stack": [
        "{data}/downloads (role storage)",
        "{root}/scripts/vpn-gateway (role runtime)",
        "{root}/gateway/gateway.json (role gateway)",
        "Run playbooks/site.yml, or the named roles",
    ],
    "transmission": ["{root}/compose.yml is missing", "which the role stack installs", "Run playbooks/site.yml first"],
    "jackett": ["{root}/compose.yml is missing", "which the role stack installs", "Run playbooks/site.yml first"],
    "jellyfin": ["{root}/compose.yml is missing", "which the role stack installs", "Run playbooks/site.yml first"],
}


def example(role: str) -> list[dict[str, Any]]:
    """Return the play of a role's README."""
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"A play with this role:\n\n```yaml\n(.*?)```", text, re.DOTALL)
    return list(yaml.safe_load(block))


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The failures of these plays in check mode, each for a host of its own, because Ansible takes seconds to start."""
    folder = tmp_path_factory.mktemp("alone")
    hosts: dict[str, Any] = {"spare": {}, **{f"pi-{role}": {} for role in MISSING}}
    known = {
        **{"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": "/usr/bin/python3"},
        **{"mediaserver_root": f"{folder}/root", "mediaserver_data": f"{folder}/data"},
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump({"mediaserver": {"hosts": hosts, "vars": known}}))
    # A play whose hosts have all failed ends the playbook; so each has one more, which ends before.
    spare = {"pre_tasks": [{"ansible.builtin.meta": "end_host", "when": "inventory_hostname == 'spare'"}]}
    plays = [{**play, **spare, "hosts": f"pi-{role},spare"} for role in MISSING for play in example(role)]
    (folder / "play.yml").write_text(yaml.safe_dump(plays))
    secrets = {f"vault_{name}": "x" for name in ("transmission_password", "jackett_admin_password")}
    done = subprocess.run(
        ["ansible-playbook", "--inventory", str(folder / "hosts.yml"), "--check", "--extra-vars",
         json.dumps({**secrets, "vault_jellyfin_admin_password": "x"}), str(folder / "play.yml")],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env=os.environ | {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        },
    )  # fmt: skip
    report = json.loads(done.stdout[done.stdout.index("{") :])
    found = {
        host: str(result["msg"])
        for play in report["plays"]
        for task in play["tasks"]
        for host, result in task["hosts"].items()
        if result.get("failed")
    }
    assert all(counts["changed"] == 0 for counts in report["stats"].values())
    return folder, found


@pytest.mark.parametrize("role", MISSING)
def test_role_on_a_blank_host_names_what_is_missing(blank: tuple[Path, dict[str, str]], role: str) -> None:
    folder, found = blank
    message = " ".join(found[f"pi-{role}"].split())
    words = [text.format(root=f"{folder}/root", data=f"{folder}/data") for text in MISSING[role]]
    assert [text for text in words if text not in message] == [], message
    assert "undefined" not in message


@pytest.mark.parametrize("role", sorted(path.name for path in (ROOT / "roles").iterdir() if path.name != "mediaserver"))
def test_every_role_has_an_example_with_itself_alone(role: str) -> None:
    (play,) = example(role)
    assert [one["role"] for one in play["roles"]] == [f"household.mediaserver.{role}"]
