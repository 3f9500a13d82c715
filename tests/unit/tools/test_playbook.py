# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import playbook

STATS = {"changed": 1, "failures": 0, "ignored": 0, "ok": 2, "rescued": 0, "skipped": 1, "unreachable": 0}


def report(**results: dict[str, object]) -> str:
    tasks = [{"task": {"name": name}, "hosts": {"pi": result}} for name, result in results.items()]
    return json.dumps({"plays": [{"tasks": tasks}], "stats": {"pi": STATS}})


def test_parse_lists_changed_and_skipped_tasks() -> None:
    run = playbook.parse(report(a={"changed": True}, b={"changed": False}, c={"skipped": True}), "", 1.0)
    assert run.ok
    assert [task.name for task in run.changed] == ["a"]
    assert [task.name for task in run.tasks if task.skipped] == ["c"]


def test_parse_ignores_output_before_report() -> None:
    assert playbook.parse("No config file found\n" + report(a={}), "", 1.0).ok


def test_failures_are_results_of_failed_tasks() -> None:
    run = playbook.parse(report(a={"failed": True, "msg": "no such disk"}), "", 1.0)
    assert "no such disk" in run.failures


def test_run_without_tasks_fails_with_whole_output() -> None:
    run = playbook.parse("", "ERROR! no such inventory", 1.0)
    assert not run.ok
    assert run.failures == "ERROR! no such inventory"
