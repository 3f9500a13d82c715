# SPDX-License-Identifier: GPL-3.0-or-later
"""The import's planner on the Pi, with Debian's guessit, plans every case as it does in the unit tests."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import topology
from contract import Household
from engine import docker

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "contract"), str(ROOT / "tools")]

import import_plan  # noqa: E402
from shared_material import SHARED, missing  # noqa: E402

FILE = SHARED / "import" / "cases.yml"
THIS_YEAR = 2026
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1] + "/lib")
from mediaserver._import.guess import load_guessit
from mediaserver._import.model import ExistingFiles, Torrent, TorrentFile
from mediaserver._import.plan import plan
guess = load_guessit()
assert guess is not None, "guessit is not installed"
made = {}
for case in json.load(sys.stdin):
    torrent = case["torrent"]
    torrent["files"] = tuple(TorrentFile(**one) for one in torrent["files"])
    torrent["labels"] = tuple(torrent["labels"])
    there = ExistingFiles(dict.fromkeys(case["there"]))
    planned = plan(Torrent(**torrent), there, guess=guess, this_year=int(sys.argv[2]))
    made[case["id"]] = {
        "kind": planned.kind,
        "links": {one.source: one.target for one in planned.links},
        "left_out": {one.source: one.reason for one in planned.left_out},
    }
print(json.dumps(made))
"""


@pytest.mark.skipif(bool(missing(FILE)), reason=missing(FILE))
def test_plans_on_the_pi_are_those_of_the_unit_tests(
    household: Household, lab_household: topology.LabHousehold
) -> None:
    cases = import_plan.read_cases(FILE)
    given = [
        {
            "id": case["id"],
            "torrent": asdict(import_plan.torrent_of(case)),
            "there": case.get("already_in_library") or [],
        }
        for case in cases
    ]
    pi = f"{lab_household.name}-pi"
    command = ["/usr/bin/python3", "-c", PROGRAM, household["mediaserver_root"], str(THIS_YEAR)]
    found = json.loads(docker("exec", "--interactive", pi, *command, stdin=json.dumps(given)))
    guess = import_plan.load_guessit()
    assert guess is not None
    wanted = {case["id"]: import_plan.answer(case, guess, THIS_YEAR) for case in cases}
    assert len(found) == len(cases) > 100
    different = [
        name
        for name, plan in found.items()
        if plan != {key: wanted[name][key] for key in ("kind", "links", "left_out")}
    ]
    assert different == []
