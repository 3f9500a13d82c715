# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook runs on the household that was named, and on nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOKS = ("site", "verify")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with inventories, and an ansible-playbook that prints its arguments."""
    for name in ("demo", "demo2", "example", "home", "grandma"):
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
def test_the_named_household_is_played_on(checkout: Path, playbook: str) -> None:
    done = site(checkout, "inventory/home", playbook, "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"ansible-playbook --inventory inventory/home playbooks/{playbook}.yml --check\n"


@pytest.mark.parametrize("playbook", PLAYBOOKS)
@pytest.mark.parametrize(
    ("house", "reason"),
    [
        ("", "no household was given."),
        ("home", "there is no home."),
        ("inventory/", "inventory holds several households."),
        ("inventory/demo", "the lab is not up; make lab-up starts it."),
        ("inventory/demo2", "the lab is not up; make lab-up starts it."),
    ],
)
def test_without_a_household_it_is_refused_with_those_that_there_are(
    checkout: Path, playbook: str, house: str, reason: str
) -> None:
    done = site(checkout, house, playbook)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[:4] == [
        f"make {playbook}: {reason}",
        "Give one of these households:",
        "  HOUSE=inventory/grandma",
        "  HOUSE=inventory/home",
    ]


def test_before_the_first_household_it_says_how_one_is_made(checkout: Path) -> None:
    for name in ("home", "grandma"):
        (checkout / "inventory" / name).rmdir()
    assert "cp -r inventory/example inventory/home" in site(checkout, "").stderr


def test_the_lab_is_a_household_while_it_is_up(checkout: Path) -> None:
    (checkout / "build" / "lab").mkdir(parents=True)
    (checkout / "build" / "lab" / "household1.json").write_text("{}")
    assert site(checkout, "inventory/demo", "verify").returncode == 0


@pytest.mark.parametrize("target", PLAYBOOKS)
def test_make_hands_the_household_on(target: str) -> None:
    def commands(*arguments: str) -> str:
        make = ["make", "--dry-run", "--no-print-directory", target, *arguments]
        return subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert commands().splitlines()[-1].split("#")[0].strip() == f'tools/run tools/site "" {target}'
    given = commands("HOUSE=inventory/home", "ARGS=--check").splitlines()[-1]
    assert given == f'tools/run tools/site "inventory/home" {target} --check'


@pytest.mark.parametrize("playbook", PLAYBOOKS)
@pytest.mark.parametrize("arguments", [[], ["--inventory", "elsewhere,"]], ids=["no inventory", "no such group"])
def test_the_playbook_itself_refuses_to_end_green_without_a_host(playbook: str, arguments: list[str]) -> None:
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
