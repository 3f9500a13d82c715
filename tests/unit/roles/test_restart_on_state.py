# SPDX-License-Identifier: GPL-3.0-or-later
"""A service is restarted because it is older than its files, also when an interrupted run has written them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
JOURNAL = "/etc/systemd/journald.conf.d/60-mediaserver.conf"


def tasks(path: Path) -> list[dict[str, Any]]:
    """Return the tasks of a file, those of its blocks included."""
    found, waiting = [], yaml.safe_load(path.read_text(encoding="utf-8")) or []
    while waiting:
        task = waiting.pop(0)
        found.append(task)
        for part in ("block", "rescue", "always"):
            waiting += task.get(part, [])
    return found


def value(role: str, expression: str, *, outdated: bool, **known: Any) -> Any:
    """Evaluate an expression of the role; ``outdated`` is what was measured of each unit at the start of the run."""
    variables: dict[str, Any] = {"mediaserver_data": "/mnt"}
    for path in ("mediaserver/vars", f"{role}/vars"):
        file = ROLES / path / "main.yml"
        if file.exists():
            variables |= DataLoader().load_from_file(str(file), trusted_as_template=True)
    units = {
        name: {"started": True, "enabled": True, "needs_reload": False, "outdated": outdated}
        for name in ("docker.service", "systemd-journald.service", "mnt.mount", "vpn-monitor.service")
    }
    facts = {"mediaserver_host": {"units": units, "systemd": True, "existing": ["/opt/mediaserver/compose.yml"]}}
    variables |= {"ansible_facts": facts, "mediaserver_root": "/opt/mediaserver", **known}
    text = expression if "{{" in expression else f"{{{{ {expression} }}}}"
    return Templar(DataLoader(), variables=variables).template(trust_as_template(text))


def test_no_restart_depends_on_a_handler() -> None:
    """A notification is lost when the run ends before its handlers run."""
    assert list(ROLES.glob("*/handlers")) == []
    files = sorted(ROLES.glob("*/tasks/*.yml"))
    assert [f"{file}: {task['name']}" for file in files for task in tasks(file) if "notify" in task] == []


def test_every_reload_of_systemd_also_depends_on_what_was_measured() -> None:
    reloads = {
        str(file.relative_to(ROLES)): task["ansible.builtin.systemd_service"]["daemon_reload"]
        for file in sorted(ROLES.glob("*/tasks/*.yml"))
        for task in tasks(file)
        if "daemon_reload" in task.get("ansible.builtin.systemd_service", {})
    }
    assert set(reloads) == {
        "docker/tasks/settings.yml",
        "gateway/tasks/barrier.yml",
        "stack/tasks/start.yml",
        "storage/tasks/disk.yml",
        "upkeep/tasks/wanted.yml",
    }
    assert [file for file, when in reloads.items() if "__mediaserver_needs_reload" not in when] == []


# Role, decision, what the run registers when it has written the files, and when they were as wanted.
DECISIONS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "journald": (
        *("host", "__host_journald_outdated"),
        {"__host_written": {"paths": [JOURNAL]}},
        {"__host_written": {"paths": ["/etc/sysctl.d/60-mediaserver.conf"]}},
    ),
    "Docker": (
        *("docker", "__docker_outdated"),
        {"__docker_settings": {"changed": True}},
        {"__docker_settings": {"changed": False}},
    ),
    "media disk": (
        *("storage", "__storage_unit_outdated"),
        {"__storage_unit": {"changed": True}},
        {"__storage_unit": {"changed": False}},
    ),
}


@pytest.mark.parametrize("service", DECISIONS)
@pytest.mark.parametrize("outdated", [True, False], ids=["interrupted before", "up to date before"])
@pytest.mark.parametrize("written", [True, False], ids=["files written now", "files unchanged"])
def test_a_service_is_restarted_when_it_is_older_than_its_files(service: str, written: bool, outdated: bool) -> None:
    role, decision, changed, unchanged = DECISIONS[service]
    assert value(role, decision, outdated=outdated, **(changed if written else unchanged)) is (written or outdated)


def test_the_decision_alone_causes_a_restart() -> None:
    (journald,) = (task for task in tasks(ROLES / "host/tasks/settings.yml") if task["name"] == "Restart journald")
    assert (journald["when"], journald["ansible.builtin.systemd_service"]["state"]) == (
        "__host_journald_outdated",
        "restarted",
    )
    (docker,) = (task for task in tasks(ROLES / "docker/tasks/settings.yml") if "ansible.builtin.include_tasks" in task)
    assert (docker["when"], docker["ansible.builtin.include_tasks"]) == ("__docker_outdated", "restart.yml")
    (disk,) = (task for task in tasks(ROLES / "storage/tasks/disk.yml") if task["name"] == "Mount the disk")
    state = disk["ansible.builtin.systemd_service"]["state"]
    assert [value("storage", state, outdated=False, __storage_unit_outdated=old) for old in (True, False)] == [
        "restarted",
        "started",
    ]


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
@pytest.mark.parametrize("outdated", [True, False], ids=["interrupted before", "up to date before"])
@pytest.mark.parametrize("changed", [True, False], ids=["programs replaced now", "programs unchanged"])
def test_programs_of_the_host_are_restarted_when_they_are_older_than_their_files(
    changed: bool, outdated: bool, check: bool
) -> None:
    """The digest of their units does not show a program that was edited on the host and has been put back since."""
    (apply,) = (
        task for task in tasks(ROLES / "gateway/tasks/barrier.yml") if task.get("register") == "__gateway_apply"
    )
    decision = apply["vars"]["__gateway_programs_outdated"].strip("{} ")
    known = {"__runtime_files": {"changed": changed}, "ansible_check_mode": check, "__gateway_program": "digest"}
    assert value("gateway", decision, outdated=outdated, **known) is (changed or outdated)
    known["__gateway_programs_outdated"] = changed or outdated
    command = value("gateway", apply["ansible.builtin.command"]["argv"], outdated=outdated, **known)
    assert command[1] == ("plan" if check else "apply")
    assert ("--restart" in command) is (changed or outdated)


@pytest.mark.parametrize(
    ("changes", "settled"),
    [
        ({}, True),
        ({"started": False}, False),
        ({"enabled": False}, False),
        ({"outdated": True}, False),
        ({"needs_reload": True}, False),
    ],
    ids=["nothing to do", "stopped", "disabled", "outdated", "reload needed"],
)
def test_unit_is_settled_when_it_needs_nothing(changes: dict[str, bool], settled: bool) -> None:
    unit = {"started": True, "enabled": True, "needs_reload": False, "outdated": False, **changes}
    facts = {"mediaserver_host": {"units": {"docker.service": unit}}}
    found = value("docker", "__mediaserver_settled", outdated=False, ansible_facts=facts)
    assert found == (["docker.service"] if settled else [])
