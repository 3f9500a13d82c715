# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that stops a container pauses vpn-monitor, and ends the pause, also when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
SHARED = "household.mediaserver.mediaserver"
# site.yml ends a pause itself, whatever tags select; another play leaves it to the role that took it.
SITE, OWN = True, False
APPLIED, RELEASED = {"__gateway_apply": {"stdout": ""}}, {"__stack_release": {"stdout": ""}}
PAUSED = {"__mediaserver_paused": {"stdout": ""}}


def loaded(path: str) -> Any:
    return yaml.safe_load((ROLES / path).read_text(encoding="utf-8"))


def part(task: dict[str, Any]) -> str:
    """Return the shared task file that this task runs; empty for other tasks."""
    role = task.get("ansible.builtin.import_role", {})
    return str(role.get("tasks_from", "")) if role.get("name") == SHARED else ""


def holds(conditions: str | list[str], site: bool, **more: Any) -> bool:
    known = loaded("mediaserver/vars/main.yml")
    facts = {"__mediaserver_installed": True, **({"__mediaserver_ends_pause": True} if site else {}), **more}
    variables = {name: trust_as_template(text) if isinstance(text, str) else text for name, text in known.items()}
    templar = Templar(DataLoader(), variables=variables | facts)
    wanted = [conditions] if isinstance(conditions, str) else conditions
    return all(templar.template(trust_as_template(f"{{{{ {condition} }}}}")) for condition in wanted)


def test_no_decision_about_the_pause_depends_on_tags_or_on_roles_of_the_play() -> None:
    texts = {file: file.read_text(encoding="utf-8") for file in ROLES.glob("*/*/*.yml")}
    names = ("ansible_run_tags", "ansible_skip_tags", "ansible_play_role_names")
    found = {str(file.relative_to(ROLES)) for file, text in texts.items() if any(name in text for name in names)}
    # preflight checks the variables of the roles in the play.
    assert found == {"preflight/vars/main.yml"}


# Files with tasks that pause vpn-monitor, the file whose block runs these, and what ends the pause there.
PAUSING = {
    "gateway/tasks/barrier.yml": ("gateway/tasks/main.yml", "release.yml"),
    "jellyfin/tasks/wizard.yml": ("jellyfin/tasks/first_run.yml", "release.yml"),
    "jackett/tasks/main.yml": ("jackett/tasks/main.yml", "release.yml"),
    "transmission/tasks/main.yml": ("transmission/tasks/main.yml", "release.yml"),
    "stack/tasks/start.yml": ("stack/tasks/start.yml", "__stack_release"),
}


def test_each_task_that_pauses_is_in_a_block_that_ends_the_pause() -> None:
    texts = {str(file.relative_to(ROLES)): file.read_text(encoding="utf-8") for file in ROLES.glob("*/tasks/*.yml")}
    assert {file for file, text in texts.items() if "tasks_from: hold.yml" in text or "--hold" in text} == set(PAUSING)
    for file, (holder, end) in PAUSING.items():
        (block,) = [task for task in loaded(holder) if "always" in task]
        assert ("hold.yml" if file == holder else Path(file).name) in yaml.safe_dump(block["block"])
        assert [part(task) or task["register"] for task in block["always"]] == [end]


@pytest.mark.parametrize("role", ["transmission", "jackett"])
def test_settings_are_changed_during_a_pause(role: str) -> None:
    _require, measure, stack, block = loaded(f"{role}/tasks/main.yml")
    hold, settings = block["block"]
    (release,) = block["always"]
    assert settings["ansible.builtin.import_tasks"] == "settings.yml"
    assert (part(measure), part(stack)) == ("measured.yml", "require_stack.yml")
    assert (part(hold), part(release)) == ("hold.yml", "release.yml")
    assert holds(hold["when"], SITE), "with tags: the role gateway has not run"
    assert holds(hold["when"], OWN)
    assert holds(hold["when"], OWN, **APPLIED), "the role gateway has ended its pause"
    assert holds(hold["when"], SITE, **APPLIED, **RELEASED), "the role stack has ended its pause"
    assert not holds(hold["when"], SITE, **APPLIED), "an execution for nothing in each run"


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


def test_a_role_ends_its_pause_unless_the_play_does_later() -> None:
    (release,) = loaded("mediaserver/tasks/release.yml")
    assert release["ansible.builtin.command"]["argv"][-1] == "release"
    assert holds(release["when"], OWN)
    assert not holds(release["when"], SITE)
    assert holds(release["when"], SITE, **RELEASED), "a role that comes after the stack"
    (ending,) = loaded("gateway/tasks/main.yml")[-1]["always"]
    assert part(ending) == "release.yml"


def test_the_role_stack_ends_the_pause_also_when_it_fails() -> None:
    (block,) = [task for task in loaded("stack/tasks/start.yml") if "block" in task]
    (release,) = block["always"]
    assert release["ansible.builtin.command"]["argv"].count("'release'") == 1
    assert part(block["block"][0]) == "hold.yml"


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize(
    ("known", "ends"),
    [
        ({}, False),
        (APPLIED, True),
        (PAUSED, True),
        ({**APPLIED, **RELEASED}, False),
        ({**PAUSED, **RELEASED}, False),
        ({"__gateway_apply": {}}, False),
    ],
)
def test_the_whole_playbook_ends_a_pause_that_is_left(known: dict[str, Any], ends: bool, installed: bool) -> None:
    """After a failure, and after tags that select no role stack."""
    (play,) = [play for play in yaml.safe_load((ROLES.parent / "playbooks/site.yml").read_text()) if "tasks" in play]
    assert play["vars"]["__mediaserver_ends_pause"] is True
    (whole,) = play["tasks"]
    (ending,) = whole["always"]
    assert (part(ending), ending["tags"]) == ("release_at_end.yml", ["always"])
    release, remove = loaded("mediaserver/tasks/release_at_end.yml")
    assert release["ansible.builtin.command"]["argv"][-1] == "release"
    assert remove["ansible.builtin.file"] == {"path": "/run/mediaserver/hold", "state": "absent"}
    known = {**known, "__mediaserver_installed": installed}
    assert holds(release["when"], SITE, **known) is (ends and installed)
    assert holds(remove["when"], SITE, **known) is (ends and not installed)


def test_the_pause_lasts_as_long_as_a_run_may_take() -> None:
    (hold,) = loaded("mediaserver/tasks/hold.yml")
    command = ["{{ mediaserver_root }}/scripts/vpn-gateway", "hold", "{{ __mediaserver_hold | string }}"]
    assert hold["ansible.builtin.command"]["argv"] == command
