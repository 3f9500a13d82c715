# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook verify.yml passes on a healthy household, and names a missing barrier."""

from __future__ import annotations

import barriers
import playbook
import pytest
from lab_control import LabControl

VERIFY = playbook.ROOT / "playbooks" / "verify.yml"


def check(lab: LabControl) -> tuple[bool, list[str]]:
    """Run verify.yml; return whether it succeeded, and the lines that it printed."""
    result = playbook.run(lab.inventory, playbook=VERIFY)
    assert result.stats.get("changed") == 0, result.text
    shown = result.tasks[-1].result["msg"]
    return result.ok, list(shown)


def test_passes_on_healthy_household(lab: LabControl) -> None:
    lab.wait_until_healthy()
    passed, lines = check(lab)
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
def test_names_missing_barrier(lab: LabControl, barrier: str, words: str) -> None:
    lab.wait_until_healthy()
    with barriers.disabled(lab, barrier):
        passed, lines = check(lab)
    assert not passed
    assert [line for line in lines if line.startswith(words)], lines
