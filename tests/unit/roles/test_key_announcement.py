# SPDX-License-Identifier: GPL-3.0-or-later
"""A public key is shown when this run generated it: not a predicted one, nor an old one whose file was corrected."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

TASKS = Path(__file__).resolve().parents[3] / "roles" / "gateway" / "tasks" / "barrier.yml"
KEY = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="


@pytest.mark.parametrize(
    ("generated", "changed", "check", "said"),
    [(True, True, False, True), (True, True, True, False), (False, True, False, False), (False, False, False, False)],
    ids=["generated", "predicted", "corrected", "unchanged"],
)
def test_shows_only_a_key_that_was_generated(generated: bool, changed: bool, check: bool, said: bool) -> None:
    loader = DataLoader()
    (task,) = [task for task in loader.load_from_file(str(TASKS)) if "public key" in task["name"]]
    keys = {"generated": generated, "changed": changed, "public_key": None if check and generated else KEY}
    known = {"__gateway_keys": keys, "ansible_check_mode": check, "gateway_config": {"private_key": None}}
    templar = Templar(loader=loader, variables=known)
    assert all(templar.template(trust_as_template(f"{{{{ {when} }}}}")) for when in task["when"]) is said
