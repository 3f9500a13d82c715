# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case of the import oracle is planned as the oracle expects."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._import.guess import load_guessit
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._import.oracle import Comparison

ROOT = Path(__file__).resolve().parents[5]
sys.path[:0] = [str(ROOT / "tests" / "contract"), str(ROOT / "tools")]

import import_plan  # noqa: E402
from shared_material import SHARED, missing  # noqa: E402

FILE = SHARED / "import" / "cases.yml"
CASES: list[dict[str, Any]] = import_plan.read_cases(FILE) if FILE.exists() else []
# The year in which the cases were collected.
THIS_YEAR = 2026


@pytest.mark.skipif(bool(missing(FILE)), reason=missing(FILE))
def test_oracle_has_125_cases() -> None:
    assert len(CASES) == 125


@pytest.mark.parametrize("guess", [load_guessit(), None], ids=["guessit", "no guessit"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_plans_case_as_the_oracle_expects(case: dict[str, Any], guess: Any) -> None:
    answer = import_plan.answer(case, guess, THIS_YEAR)
    assert Comparison(case, answer).differences() == []


def wrong_answers(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return answers with one wrong place each."""
    wrong = []
    for source, target in answer["links"].items():
        folder, _slash, name = target.rpartition("/")
        for other in (f"{folder}/x{name}", f"other/{target}", f"{folder} x/{name}", f"{target}x"):
            wrong.append({**answer, "links": {**answer["links"], source: other}})
    for source in answer["left_out"]:
        wrong.append({**answer, "left_out": {**answer["left_out"], source: "wrong"}})
        wrong.append({**answer, "left_out": {key: why for key, why in answer["left_out"].items() if key != source}})
    return wrong


@pytest.mark.parametrize("case_id", ["num-300", "ep-double", "folder-numbered-subs", "misc-software", "part-file"])
def test_comparison_reports_every_wrong_answer(case_id: str) -> None:
    case = next((case for case in CASES if case["id"] == case_id), None)
    if case is None:
        pytest.skip(missing(FILE))
    answer = import_plan.answer(case, None, THIS_YEAR)
    assert Comparison(case, answer).differences() == []
    for wrong in wrong_answers(answer):
        assert Comparison(case, wrong).differences(), wrong
