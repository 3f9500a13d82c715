# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that stops a container pauses vpn-monitor, and ends the pause, also when it fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
SHARED = "household.mediaserver.mediaserver"
WHOLE, ALONE = ["all"], ["transmission"]
APPLIED, RELEASED = {"__gateway_apply": {"stdout": ""}}, {"__stack_release": {"stdout": ""}}
PAUSED = {"__mediaserver_paused": {"stdout": ""}}
PLAY = ("preflight", "host", "storage", "docker", "gateway", "stack", "transmission", "jackett", "jellyfin")


def loaded(path: str) -> Any:
    return yaml.safe_load((ROLES / path).read_text(encoding="utf-8"))


def part(task: dict[str, Any]) -> str:
    """Return the shared task file that this task runs; empty for other tasks."""
    role = task.get("ansible.builtin.import_role", {})
    return str(role.get("tasks_from", "")) if role.get("name") == SHARED else ""


def holds(conditions: str | list[str], tags: list[str], roles: Sequence[str] = PLAY, **more: Any) -> bool:
    known = loaded("mediaserver/vars/main.yml")
    facts = {"ansible_run_tags": tags, "ansible_skip_tags": [], "__mediaserver_installed": True}
    facts |= {"ansible_play_role_names": [f"household.mediaserver.{name}" for name in roles], **more}
    variables = {name: trust_as_template(text) if isinstance(text, str) else text for name, text in known.items()}
    templar = Templar(DataLoader(), variables=variables | facts)
    wanted = [conditions] if isinstance(conditions, str) else conditions
    return all(templar.template(trust_as_template(f"{{{{ {condition} }}}}")) for condition in wanted)


@pytest.mark.parametrize("role", ["transmission", "jackett"])
def test_settings_are_changed_during_a_pause(role: str) -> None:
    _require, measure, stack, block = loaded(f"{role}/tasks/main.yml")
    hold, settings = block["block"]
    (release,) = block["always"]
    assert settings["ansible.builtin.import_tasks"] == "settings.yml"
    assert (part(measure), part(stack)) == ("measured.yml", "require_stack.yml")
    assert (part(hold), part(release)) == ("hold.yml", "release.yml")
    assert holds(hold["when"], ALONE)
    assert holds(hold["when"], ["gateway", role]), "the role gateway has ended its pause"
    assert holds(hold["when"], ["stack", role])
    assert holds(hold["when"], WHOLE, [role]), "a play of this role alone"
    assert holds(hold["when"], WHOLE, ["gateway", role], **APPLIED), "the role gateway has ended its pause"
    assert holds(hold["when"], WHOLE, **APPLIED, **RELEASED), "the role stack has ended its pause"
    assert not holds(hold["when"], WHOLE, **APPLIED), "an execution for nothing in each run"


@pytest.mark.parametrize(
    "role", ["host", "storage", "docker", "gateway", "stack", "transmission", "jackett", "jellyfin"]
)
def test_a_role_that_runs_alone_measures_the_host(role: str) -> None:
    tasks = loaded(f"{role}/tasks/main.yml")
    assert "measured.yml" in [part(task) for task in tasks]
    (measure,) = loaded("mediaserver/tasks/measured.yml")
    assert measure["ansible.builtin.include_role"]["tasks_from"] == "measure"
    assert measure["when"] == "__preflight_measurement is not defined"


def test_the_first_run_wizard_runs_during_a_pause() -> None:
    first, *_steps, block = loaded("jellyfin/tasks/wizard.yml")
    assert part(first) == "hold.yml"
    assert "when" not in first, "the first start may take longer than the hold of the role gateway"
    assert "ansible.builtin.file" in block["always"][-1]


def test_the_pause_of_the_wizard_ends_also_when_it_fails() -> None:
    _require, _measure, _stack, block = loaded("jellyfin/tasks/first_run.yml")
    (wizard,) = block["block"]
    (release,) = block["always"]
    assert wizard["ansible.builtin.include_tasks"] == "wizard.yml"
    assert part(release) == "release.yml"


@pytest.mark.parametrize(
    ("tags", "roles", "ends"),
    [
        (WHOLE, PLAY, False),
        (["stack", "jellyfin"], PLAY, False),
        (ALONE, PLAY, True),
        (WHOLE, ["gateway"], True),
        (WHOLE, ["transmission"], True),
        (["gateway"], ["gateway", "stack"], True),
        (["transmission"], PLAY, True),
    ],
)
def test_the_pause_ends_in_the_role_stack_or_in_the_role_that_took_it(
    tags: list[str], roles: Sequence[str], ends: bool
) -> None:
    (release,) = loaded("mediaserver/tasks/release.yml")
    assert release["ansible.builtin.command"]["argv"][-1] == "release"
    assert holds(release["when"], tags, roles) is ends
    assert holds(release["when"], WHOLE, **RELEASED), "a role that comes after the stack"
    (ending,) = loaded("gateway/tasks/main.yml")[-1]["always"]
    assert part(ending) == "release.yml"


def test_the_role_stack_ends_the_pause_also_when_it_fails() -> None:
    (block,) = [task for task in loaded("stack/tasks/start.yml") if "block" in task]
    (release,) = block["always"]
    assert release["ansible.builtin.command"]["argv"].count("'release'") == 1
    assert part(block["block"][0]) == "hold.yml"


@pytest.mark.parametrize(
    ("known", "tags", "ends"),
    [
        ({}, WHOLE, False),
        (APPLIED, WHOLE, True),
        (PAUSED, ["stack", "transmission"], True),
        (PAUSED, ALONE, False),
        ({**APPLIED, **RELEASED}, WHOLE, False),
        ({"__gateway_apply": {}}, WHOLE, False),
    ],
)
def test_a_run_that_fails_before_the_role_stack_ends_the_pause(
    known: dict[str, Any], tags: list[str], ends: bool
) -> None:
    (play,) = [play for play in yaml.safe_load((ROLES.parent / "playbooks/site.yml").read_text()) if "tasks" in play]
    (whole,) = play["tasks"]
    (ending,) = whole["always"]
    assert (part(ending), ending["tags"]) == ("end.yml", ["always"])
    (end,) = loaded("mediaserver/tasks/end.yml")
    assert end["ansible.builtin.file"] == {"path": "/run/mediaserver/hold", "state": "absent"}
    assert holds(end["when"], tags, **known) is ends


def test_the_pause_lasts_as_long_as_a_run_may_take() -> None:
    (hold,) = loaded("mediaserver/tasks/hold.yml")
    command = ["{{ mediaserver_root }}/scripts/vpn-gateway", "hold", "{{ __mediaserver_hold | string }}"]
    assert hold["ansible.builtin.command"]["argv"] == command
