# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run, by Ansible itself: the report of the host's program is shown, and decides whether the run fails."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parents[3]
UP: dict[str, Any] = {"up": True, "must_act": False, "peer": "vpn.example:51820", "endpoint": "", "problems": []}
KEY = {"code": "key-or-endpoint", "text": "the tunnel does not carry: a wrong key"}
DOWN = UP | {"up": False, "must_act": True, "problems": [KEY]}
OFFLINE = DOWN | {"must_act": False, "problems": [{"code": "offline", "text": "the host has no internet"}]}


def play(folder: Path, report: dict[str, Any] | None, *arguments: str, changed: bool = False) -> tuple[int, str, str]:
    """Run the end of site.yml with a program that prints ``report``; return status, output, and its arguments."""
    program = folder / "scripts" / "vpn-gateway"
    program.parent.mkdir()
    answer = "exit 2" if report is None else f"cat <<'END'\n{json.dumps(report)}\nEND"
    program.write_text(f'#!/bin/sh\necho "$@" >{folder}/asked\n{answer}\n')
    program.chmod(0o755)
    facts = {"mediaserver_host": {"existing": [f"{folder}/compose.yml"], "default_address": "192.168.1.5"}}
    variables = {"mediaserver_root": str(folder), "__stack_up": {"changed": changed}, "transmission_user": "family"}
    ending = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text(encoding="utf-8"))[0]["post_tasks"]
    # Facts that preflight would have measured.
    known = {**variables, "ansible_facts": facts}
    whole = [
        {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": known, "post_tasks": ending},
    ]
    book = folder / "play.yml"
    book.write_text(yaml.safe_dump(whole))
    settings = os.environ | {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(folder / "home"),
    }
    python = ("--extra-vars", "ansible_python_interpreter=/usr/bin/python3")
    done = subprocess.run(
        ["ansible-playbook", "--inventory", "localhost,", *python, *arguments, str(book)],
        capture_output=True, text=True, check=False, env=settings, cwd=ROOT,
    )  # fmt: skip
    asked = folder / "asked"
    return done.returncode, done.stdout + done.stderr, asked.read_text().strip() if asked.exists() else ""


@pytest.mark.parametrize(
    ("report", "arguments", "changed", "status", "words", "asked"),
    [
        (UP, (), False, 0, "Tunnel: up, through server vpn.example:51820.", "report --wait 5"),
        (UP, (), True, 0, "Jellyfin http://192.168.1.5:8096", "report --wait 30"),
        (
            *(UP, ("--extra-vars", "jellyfin_https_port=8920"), False, 0),
            *("Jellyfin http://192.168.1.5:8096, Jellyfin https://192.168.1.5:8920", "report --wait 5"),
        ),
        (UP, (), False, 0, "run `make verify HOUSE=inventory/<household>`", "report --wait 5"),
        (DOWN, (), True, 2, "Tunnel: NOT up. The tunnel does not carry: a wrong key.", "report --wait 30"),
        (DOWN, ("--check",), True, 0, "Tunnel: NOT up. The tunnel does not carry: a wrong key.", "report --wait 0"),
        (OFFLINE, (), True, 0, "Tunnel: NOT up. The host has no internet.", "report --wait 30"),
        (None, ("--tags", "jellyfin"), False, 0, "programs on this host are of another version", "report --wait 5"),
    ],
)
def test_shows_the_report_and_fails_only_when_the_household_must_act(
    *,
    tmp_path: Path,
    report: dict[str, Any] | None,
    arguments: tuple[str, ...],
    changed: bool,
    status: int,
    words: str,
    asked: str,
) -> None:
    code, shown, question = play(tmp_path, report, *arguments, changed=changed)
    assert code == status, shown
    # Ansible folds long lines.
    assert words in " ".join(shown.split())
    assert question == asked
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
