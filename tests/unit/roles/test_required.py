# SPDX-License-Identifier: GPL-3.0-or-later
"""The role gateway alone names what other roles have to install first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

TASKS = Path(__file__).resolve().parents[3] / "roles" / "gateway" / "tasks"
PROGRAM = "/opt/mediaserver/scripts/vpn-gateway"
PACKAGES = ["nftables", "python3-nftables"]


def refusal(existing: list[str], packages: list[str], **registered: Any) -> str:
    """Return the message of the refusal; empty when the role continues."""
    (task,) = DataLoader().load_from_file(str(TASKS / "require.yml"), trusted_as_template=True)
    facts = {"mediaserver_host": {"existing": existing, "packages": packages}}
    known = {"ansible_facts": facts, "mediaserver_root": "/opt/mediaserver", "inventory_hostname": "pi"}
    templar = Templar(DataLoader(), variables={**task["vars"], **known, **registered})
    if not templar.template(trust_as_template(f"{{{{ {task['when']} }}}}")):
        return ""
    return str(templar.template(task["ansible.builtin.fail"]["msg"]))


@pytest.mark.parametrize(
    ("existing", "packages", "registered"),
    [
        ([PROGRAM], PACKAGES, {}),
        ([], [], {"__runtime_files": {}, "__host_written": {}}),
        ([], PACKAGES, {"__runtime_files": {}}),
    ],
    ids=["converged host", "first run", "programs of this run"],
)
def test_nothing_is_missing(existing: list[str], packages: list[str], registered: dict[str, Any]) -> None:
    assert refusal(existing, packages, **registered) == ""


def test_what_is_missing_is_named_with_its_role() -> None:
    assert refusal([], ["nftables"]) == (
        f"Missing on pi: {PROGRAM} (role runtime), python3-nftables (role host). The role gateway needs them. Run "
        "playbooks/site.yml, or the named roles before this one."
    )


def test_it_comes_before_anything_changes() -> None:
    tasks = DataLoader().load_from_file(str(TASKS / "main.yml"))
    measure, require, *_others = tasks
    assert measure["ansible.builtin.import_role"]["tasks_from"] == "measured.yml"
    assert require["ansible.builtin.import_tasks"] == "require.yml"
