# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/site runs a playbook on the given household only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOKS = ("site", "verify", "backup", "restore")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with inventories, and an ansible-playbook that prints its arguments."""
    for name in ("demo", "demo2", "example", "home", "cottage"):
        (tmp_path / "inventory" / name).mkdir(parents=True)
    program = tmp_path / "bin" / "ansible-playbook"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "ansible-playbook $*"\n')
    program.chmod(0o755)
    return tmp_path


def site(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{checkout}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        [str(ROOT / "tools" / "site"), *arguments],
        cwd=checkout,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_runs_on_given_household(checkout: Path, playbook: str) -> None:
    done = site(checkout, "inventory/home", playbook, "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"ansible-playbook --inventory inventory/home playbooks/{playbook}.yml --check\n"


@pytest.mark.parametrize("playbook", PLAYBOOKS)
@pytest.mark.parametrize(
    ("household", "reason"),
    [
        ("", "HOUSE is empty; expected the folder of a household."),
        ("home", "HOUSE=home does not exist; expected the folder of a household."),
        ("inventory/", "HOUSE=inventory/ has several households; expected the folder of one."),
        ("inventory/example/", "HOUSE=inventory/example/ is the example; copy it and fill in the copy."),
        ("inventory/demo", "the lab does not run; start it with make lab-up."),
        ("inventory/demo2", "the lab does not run; start it with make lab-up."),
    ],
)
def test_refusal_lists_existing_households(checkout: Path, playbook: str, household: str, reason: str) -> None:
    done = site(checkout, household, playbook)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"make {playbook}: {reason}",
        "Give one of these households:",
        "  HOUSE=inventory/cottage",
        "  HOUSE=inventory/home",
        "(The simulated Pi of the lab is HOUSE=inventory/demo.)",
    ]


@pytest.mark.parametrize("inside", ["host_vars", "host_vars/pi/", "group_vars"])
def test_folder_inside_a_household_is_refused(checkout: Path, inside: str) -> None:
    (checkout / "inventory" / "home" / inside).mkdir(parents=True)
    done = site(checkout, f"inventory/home/{inside}")
    assert done.returncode == 2
    assert f"HOUSE=inventory/home/{inside} is a folder inside a household" in done.stderr


def test_refusal_explains_how_to_create_household(checkout: Path) -> None:
    for name in ("home", "cottage"):
        (checkout / "inventory" / name).rmdir()
    assert "cp -r inventory/example inventory/home" in site(checkout, "").stderr


def test_lab_is_accepted_while_it_runs(checkout: Path) -> None:
    (checkout / "build" / "lab").mkdir(parents=True)
    (checkout / "build" / "lab" / "household1.json").write_text("{}")
    assert site(checkout, "inventory/demo", "verify").returncode == 0


@pytest.mark.parametrize("target", PLAYBOOKS)
def test_make_passes_household(target: str) -> None:
    def commands(*arguments: str) -> str:
        make = ["make", "--dry-run", "--no-print-directory", target, *arguments]
        return subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert commands().splitlines()[-1].split("#")[0].strip() == f'tools/run tools/site "" {target}'
    given = commands("HOUSE=inventory/home", "ARGS=--check").splitlines()[-1]
    assert given == f'tools/run tools/site "inventory/home" {target} --check'


@pytest.mark.parametrize("playbook", PLAYBOOKS)
@pytest.mark.parametrize("arguments", [[], ["--inventory", "elsewhere,"]], ids=["no inventory", "no such group"])
def test_playbook_fails_without_host(playbook: str, arguments: list[str]) -> None:
    done = subprocess.run(
        [str(ROOT / "tools" / "run"), "ansible-playbook", *arguments, f"playbooks/{playbook}.yml"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0, done.stdout
    assert "No host is in the group mediaserver. Name the household" in " ".join(done.stderr.split())
    assert "TASK" not in done.stdout
    assert "remote_user" not in done.stdout + done.stderr
