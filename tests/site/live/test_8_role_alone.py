# SPDX-License-Identifier: GPL-3.0-or-later
"""The play of each role's README, on a converged host. tests/unit/roles/test_role_alone.py has the blank one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import playbook
import pytest
import yaml
from contract import ROOT, Household

HOLD = "/run/mediaserver/hold"
TITLE = r"A play (?:with this role|that sets one of these variables for another role)"
EXAMPLE = re.compile(TITLE + r":\n\n```yaml\n(.*?)```", re.DOTALL)
# In ``make test``: the role that needs variables of the most other roles.
SHORT = "stack"
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())


def example(role: str) -> str:
    """Return the play of a role's README."""
    (found,) = EXAMPLE.findall((ROOT / "roles" / role / "README.md").read_text(encoding="utf-8"))
    return str(found)


def values(text: str, household: Household) -> dict[str, Any]:
    """Return this household's values of the variables that the play sets."""
    (play,) = yaml.safe_load(text)
    return {name: household[name] for role in play["roles"] for name in role.get("vars", {})}


@pytest.mark.parametrize("role", [pytest.param(one, marks=[] if one == SHORT else pytest.mark.faults) for one in ROLES])
def test_example_of_readme_changes_nothing_on_converged_host(
    host: Any, household: Household, inventory: str, tmp_path: Path, role: str
) -> None:
    book = tmp_path / "example.yml"
    book.write_text(example(role))
    extra = json.dumps(values(example(role), household))
    for arguments in (("--check",), ()):
        result = playbook.run(inventory, *arguments, "--extra-vars", extra, playbook=book)
        assert result.ok, result.failures
        assert [task.name for task in result.changed] == []
    assert not host.file(HOLD).exists, "vpn-monitor is still paused"
