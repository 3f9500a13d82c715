# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook run that the tests of tests/site end in the middle: nothing runs after that, no always part either."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "site"))

import interruption

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - block:
        - {name: First, ansible.builtin.command: touch FOLDER/first}
        - {name: Second, ansible.builtin.command: WHAT FOLDER/second}
        - {name: Third, ansible.builtin.command: touch FOLDER/third}
      always:
        - {name: Last, ansible.builtin.command: touch FOLDER/last}
"""


@pytest.mark.parametrize(
    ("what", "before", "done"),
    [("touch", "Third", {"first", "second"}), ("false", "", {"first"})],
    ids=["before a task", "at a failure"],
)
def test_nothing_runs_after_the_end(tmp_path: Path, what: str, before: str, done: set[str]) -> None:
    book, made = tmp_path / "play.yml", tmp_path / "made"
    made.mkdir()
    book.write_text(PLAY.replace("FOLDER", str(made)).replace("WHAT", what))
    result = interruption.aborted("localhost,", before=before, book=book)
    assert not result.ok
    assert {path.name for path in made.iterdir()} == done


def test_a_run_that_does_not_come_so_far_is_noticed(tmp_path: Path) -> None:
    book = tmp_path / "play.yml"
    book.write_text("- {hosts: localhost, connection: local, gather_facts: false, tasks: []}\n")
    with pytest.raises(AssertionError, match="has not come so far"):
        interruption.aborted("localhost,", before="Third", book=book)
