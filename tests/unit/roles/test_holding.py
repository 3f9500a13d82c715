# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that stops a container keeps vpn-monitor's hands off meanwhile, and lets it go on, whatever happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
SHARED = "household.mediaserver.mediaserver"
WHOLE, ALONE = ["all"], ["transmission"]


def loaded(path: str) -> Any:
    return yaml.safe_load((ROLES / path).read_text(encoding="utf-8"))


def part(task: dict[str, Any]) -> str:
    """Which of the shared task files this task runs; nothing for others."""
    role = task.get("ansible.builtin.import_role", {})
    return str(role.get("tasks_from", "")) if role.get("name") == SHARED else ""


def holds(conditions: str | list[str], tags: list[str]) -> bool:
    known = loaded("mediaserver/vars/main.yml")
    facts = {"ansible_run_tags": tags, "ansible_skip_tags": [], "__mediaserver_installed": True}
    variables = {name: trust_as_template(text) if isinstance(text, str) else text for name, text in known.items()}
    templar = Templar(DataLoader(), variables=variables | facts)
    wanted = [conditions] if isinstance(conditions, str) else conditions
    return all(templar.template(trust_as_template(f"{{{{ {condition} }}}}")) for condition in wanted)


@pytest.mark.parametrize("role", ["transmission", "jackett"])
def test_settings_are_changed_between_a_hold_and_its_end(role: str) -> None:
    block = loaded(f"{role}/tasks/main.yml")[-1]
    hold, settings = block["block"]
    (release,) = block["always"]
    assert settings["ansible.builtin.import_tasks"] == "settings.yml"
    assert (part(hold), part(release)) == ("hold.yml", "release.yml")
    assert holds(hold["when"], ALONE)
    assert holds(hold["when"], ["gateway", role]), "the role gateway has let go already"
    assert holds(hold["when"], ["stack", role])
    assert not holds(hold["when"], WHOLE), "an execution for nothing in each run"


def test_jellyfin_is_claimed_between_a_hold_and_its_end() -> None:
    first, *_claim, block = loaded("jellyfin/tasks/wizard.yml")
    assert part(first) == "hold.yml"
    assert "when" not in first, "the first start may take longer than the hold of the role gateway"
    assert part(block["always"][-1]) == "release.yml"
    assert "ansible.builtin.file" in block["always"][-2]


@pytest.mark.parametrize(("tags", "ends"), [(WHOLE, False), (["stack", "jellyfin"], False), (ALONE, True)])
def test_the_role_stack_ends_it_or_else_whoever_asked_for_it(tags: list[str], ends: bool) -> None:
    (release,) = loaded("mediaserver/tasks/release.yml")
    assert release["ansible.builtin.command"]["argv"][-1] == "release"
    assert holds(release["when"], tags) is ends
    assert part(loaded("gateway/tasks/barrier.yml")[-1]) == "release.yml"


def test_it_lasts_for_as_long_as_a_run_may_take() -> None:
    (hold,) = loaded("mediaserver/tasks/hold.yml")
    command = ["{{ mediaserver_root }}/scripts/vpn-gateway", "hold", "{{ __mediaserver_hold | string }}"]
    assert hold["ansible.builtin.command"]["argv"] == command
