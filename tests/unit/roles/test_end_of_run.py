# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run, by Ansible itself: the report of the host's program is shown, and decides whether the run fails."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parents[3]
UP: dict[str, Any] = {"up": True, "must_act": False, "peer": "vpn.example:51820", "endpoint": "", "problems": []}
KEY = {"code": "key-or-endpoint", "text": "the tunnel carries no traffic: a wrong key"}
DOWN = UP | {"up": False, "must_act": True, "problems": [KEY]}
OFFLINE = DOWN | {"must_act": False, "problems": [{"code": "offline", "text": "the host has no internet"}]}


@dataclass(frozen=True)
class Case:
    """What the host's program reports, with which household; status and words of the end, and what was asked."""

    report: dict[str, Any] | None
    status: int
    words: str
    asked: str
    changed: bool = False
    variables: dict[str, Any] = field(default_factory=dict)


def household(folder: Path, case: Case) -> dict[str, Any]:
    """Install a program that prints the report; return the variables of its host, with facts as preflight's."""
    program = folder / "scripts" / "vpn-gateway"
    program.parent.mkdir(parents=True)
    answer = "exit 2" if case.report is None else f"cat <<'END'\n{json.dumps(case.report)}\nEND"
    program.write_text(f'#!/bin/sh\necho "$@" >{folder}/asked\n{answer}\n')
    program.chmod(0o755)
    facts = {"mediaserver_host": {"existing": [f"{folder}/compose.yml"], "default_address": "192.168.1.5"}}
    known = {"mediaserver_root": str(folder), "__stack_up": {"changed": case.changed}, "transmission_user": "family"}
    return {**known, "known_facts": facts, **case.variables}


def play(folder: Path, cases: dict[str, Case], *arguments: str, callback: str = "default") -> tuple[int, str]:
    """Run the end of site.yml with one host for each case; return status and output."""
    hosts = {name: household(folder / name, case) for name, case in cases.items()}
    common = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
    inventory, book = folder / "hosts.yml", folder / "play.yml"
    inventory.write_text(yaml.safe_dump({"ends": {"hosts": hosts, "vars": common}}))
    ending = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text(encoding="utf-8"))[0]["post_tasks"]
    facts = {"ansible_facts": "{{ known_facts }}"}
    book.write_text(yaml.safe_dump([{"hosts": "ends", "gather_facts": False, "vars": facts, "post_tasks": ending}]))
    settings = os.environ | {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_STDOUT_CALLBACK": callback,
    }
    done = subprocess.run(
        ["ansible-playbook", "--inventory", str(inventory), *arguments, str(book)],
        capture_output=True, text=True, check=False, env=settings, cwd=ROOT,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def asked(folder: Path, name: str) -> str:
    file = folder / name / "asked"
    return file.read_text().strip() if file.exists() else ""


CASES = {
    "up": Case(UP, 0, "Tunnel: up, through server vpn.example:51820.", "report --wait 5"),
    "up-after-a-change": Case(UP, 0, "Jellyfin http://192.168.1.5:8096", "report --wait 30", changed=True),
    "https": Case(
        *(UP, 0, "Jellyfin http://192.168.1.5:8096, Jellyfin https://192.168.1.5:8920", "report --wait 5"),
        variables={"jellyfin_https_port": 8920},
    ),
    "next-step": Case(UP, 0, "run `make verify HOUSE=ends`", "report --wait 5"),
    "down": Case(
        *(DOWN, 2, "Tunnel: NOT up. The tunnel carries no traffic: a wrong key.", "report --wait 30"), changed=True
    ),
    "offline": Case(*(OFFLINE, 0, "Tunnel: NOT up. The host has no internet.", "report --wait 30"), changed=True),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """One run with every household of CASES, because Ansible takes seconds to start."""
    # A household is named relative to the folder above the playbook's.
    folder = tmp_path_factory.mktemp("run") / "ends"
    folder.mkdir()
    status, output = play(folder, CASES, callback="ansible.posix.json")
    assert status == 2, output
    return folder, dict(json.loads(output[output.index("{") :]))


@pytest.mark.parametrize("name", CASES)
def test_shows_the_report_and_fails_only_when_the_household_must_act(
    ended: tuple[Path, dict[str, Any]], name: str
) -> None:
    folder, output = ended
    case, counts = CASES[name], output["stats"][name]
    told = [task["hosts"][name] for play in output["plays"] for task in play["tasks"] if name in task["hosts"]]
    assert counts["failures"] == (1 if case.status else 0), told
    texts = [" ".join(str(one.get("msg", "")).split()) for one in told]
    assert [text for text in texts if case.words in text], texts
    assert asked(folder, name) == case.asked
    assert counts["changed"] == 0


WITH_ARGUMENTS = {
    "check mode": (
        ("--check",),
        Case(DOWN, 0, "Tunnel: NOT up. The tunnel carries no traffic: a wrong key.", "report --wait 0", changed=True),
    ),
    "tags and older programs": (
        ("--tags", "jellyfin"),
        Case(None, 0, "programs on this host are of another version", "report --wait 5"),
    ),
}


@pytest.mark.parametrize(("arguments", "case"), WITH_ARGUMENTS.values(), ids=WITH_ARGUMENTS.keys())
def test_shows_the_report_on_the_terminal(tmp_path: Path, arguments: tuple[str, ...], case: Case) -> None:
    code, shown = play(tmp_path, {"pi": case}, *arguments)
    assert code == case.status, shown
    # Ansible folds long lines.
    assert case.words in " ".join(shown.split())
    assert asked(tmp_path, "pi") == case.asked
    assert "changed=0" in shown


@pytest.mark.parametrize(
    ("folder", "shown"),
    [
        ("/home/a/server/inventory/home", "inventory/home"),
        ("/home/a/house", "/home/a/house"),
        *(("", ""), (None, ""), ("None", "")),
    ],
)
def test_names_the_household_as_make_accepts_it(folder: str | None, shown: str) -> None:
    known = DataLoader().load_from_file(str(ROOT / "roles/gateway/vars/main.yml"), trusted_as_template=True)
    places = {"inventory_dir": folder, "playbook_dir": "/home/a/server/playbooks"}
    templar = Templar(DataLoader(), variables={**known, **places})
    assert templar.template(known["__gateway_household"]) == shown
