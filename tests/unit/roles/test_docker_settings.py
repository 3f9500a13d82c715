# SPDX-License-Identifier: GPL-3.0-or-later
"""daemon.json may hold a proxy's password: the role merges it, refuses a damaged one, and shows no content."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).resolve().parents[3] / "roles" / "docker"
FILE = "/etc/docker/daemon.json"
SECRET = "http://me:s3cret@proxy"


def templar(text: str | None, *, secure: bool = True) -> Templar:
    loader = DataLoader()
    known: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        known |= loader.load_from_file(str(ROLE / part / "main.yml"), trusted_as_template=True)
    known["__docker_file"] = {"skipped": True} if text is None else {"content": base64.b64encode(text.encode())}
    return Templar(loader=loader, variables={**known, "mediaserver_secure_logging": secure})


def task_of(file: str, module: str) -> dict[str, Any]:
    tasks = DataLoader().load_from_file(str(ROLE / "tasks" / file), trusted_as_template=True)
    (task,) = [task for task in tasks if module in task]
    return dict(task)


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("text", [None, json.dumps({"proxies": {"http-proxy": SECRET}})])
def test_passes_the_text_in_the_parameter_that_file_tree_hides(text: str | None, secure: bool) -> None:
    given = task_of("settings.yml", "household.mediaserver.file_tree")["household.mediaserver.file_tree"]
    found = templar(text, secure=secure).template(given)
    content, secrets = found["entries"][1]["content"], found["secrets"]
    assert (content is None, set(secrets)) == (secure, {FILE} if secure else set())
    merged = json.loads(secrets[FILE] if secure else content)
    assert merged["live-restore"] is False
    assert ("proxies" in merged) is (text is not None)


def test_hides_the_task_that_reads_the_file_and_sets_no_fact() -> None:
    look = task_of("main.yml", "ansible.builtin.slurp")
    assert templar(None).template(look["no_log"]) is True
    tasks = DataLoader().load_from_file(str(ROLE / "tasks" / "main.yml"))
    assert [task for task in tasks if "ansible.builtin.set_fact" in task] == []


@pytest.mark.parametrize("text", [f'"{SECRET}"', f'{{"a": "{SECRET}"'])
def test_refuses_a_damaged_file_early_without_its_content(text: str) -> None:
    refuse = task_of("main.yml", "ansible.builtin.assert")["ansible.builtin.assert"]["that"]
    with pytest.raises(AnsibleError) as caught:
        templar(text).template(trust_as_template(f"{{{{ {refuse} }}}}"))
    assert f"{FILE} is not" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert templar(None).template(trust_as_template(f"{{{{ {refuse} }}}}")) is True


@pytest.mark.parametrize(
    ("options", "compared"),
    [
        ({}, True),
        ({"insecure-registries": ["192.0.2.1:5000"], "userland-proxy": True}, True),
        ({"proxies": {"http-proxy": SECRET}}, False),
        ({"dns": ["192.0.2.1"], "log-opts": {"splunk-token": SECRET}}, False),
        ("no mapping", False),
    ],
)
def test_measurement_is_given_no_setting_that_may_hold_a_secret(options: Any, compared: bool) -> None:
    (measure,) = DataLoader().load_from_file(str(ROLE.parent / "preflight/tasks/measure.yml"), trusted_as_template=True)
    asked = measure["household.mediaserver.host_info"]["docker_settings"]
    known = templar(None)
    known.available_variables = {**known.available_variables, "docker_daemon_options": options}
    layers = known.template(asked)
    assert [layer["live-restore"] for layer in layers[:1]] == ([False] if compared else [])
    assert layers[1:] == ([options] if compared else [])
    assert Templar(DataLoader(), variables={}).template(asked) == [], "in a play without the role docker"


@pytest.mark.parametrize("settled", [True, False])
def test_reads_and_writes_the_file_only_when_it_differs(settled: bool) -> None:
    facts = {"mediaserver_host": {"docker_file": {"settled": settled}, "existing": [FILE]}}
    known = templar("{}")
    known.available_variables = {**known.available_variables, "ansible_facts": facts}
    for file, module in (
        ("main.yml", "ansible.builtin.slurp"),
        ("main.yml", "ansible.builtin.assert"),
        ("settings.yml", "household.mediaserver.file_tree"),
    ):
        when = task_of(file, module)["when"]
        conditions = when if isinstance(when, list) else [when]
        assert all(known.template(trust_as_template(f"{{{{ {one} }}}}")) for one in conditions) is not settled
