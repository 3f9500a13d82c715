# SPDX-License-Identifier: GPL-3.0-or-later
"""The leak check that users run says yes on a whole household, and names what is missing on a broken one."""

from __future__ import annotations

import barriers
import playbook
import pytest
from stage import Stage

VERIFY = playbook.ROOT / "playbooks" / "verify.yml"


def check(stage: Stage) -> tuple[bool, list[str]]:
    """Return whether the playbook succeeded, and the lines that it showed."""
    result = playbook.run(stage.inventory, playbook=VERIFY)
    assert result.stats.get("changed") == 0, result.text
    shown = result.tasks[-1].result["msg"]
    return result.ok, list(shown)


def test_a_whole_household_passes(stage: Stage) -> None:
    stage.wait_until_well()
    passed, lines = check(stage)
    assert passed, lines
    assert lines[-1] == "all checks passed"
    assert all(line.startswith("ok ") for line in lines[:-1])


@pytest.mark.parametrize(
    ("barrier", "words"),
    [
        ("inner", "FAIL  inner barrier: a program inside could send by the uplink"),
        ("outer", "FAIL  outer barrier: a packet that went past the inner barrier got out of the host"),
    ],
)
def test_a_missing_barrier_is_named(stage: Stage, barrier: str, words: str) -> None:
    stage.wait_until_well()
    with barriers.without(stage, barrier):
        passed, lines = check(stage)
    assert not passed
    assert [line for line in lines if line.startswith(words)], lines
