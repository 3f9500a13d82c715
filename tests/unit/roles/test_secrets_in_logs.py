# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible logs a module's options on the host before the module can hide any: tasks with secrets set no_log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.table import SECRETS
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.values import SECRET

ROLES = Path(__file__).resolve().parents[3] / "roles"
PLAIN = [{"name": "parents", "password": "plain & simple"}, {"name": "gone", "state": "absent"}]
CASES: dict[str, tuple[str, str, dict[str, Any], bool]] = {
    "no secret for Jackett": ("jackett", "jackett_settings", {"jackett_settings": {"CacheTtl": 60}}, False),
    "proxy": ("jackett", "jackett_settings", {"jackett_settings": {"ProxyPassword": "x"}}, True),
    "in snake_case": ("jackett", "jackett_settings", {"jackett_settings": {"omdb_api-key": "x"}}, True),
    "no secret for Jellyfin": (
        *("jellyfin", "jellyfin_settings"),
        {"jellyfin_system_settings": {"ServerName": 'my "password": x'}},
        False,
    ),
    "certificate": ("jellyfin", "jellyfin_settings", {"jellyfin_network_settings": {"CertificatePassword": "x"}}, True),
    "deep inside": ("jellyfin", "jellyfin_settings", {"jellyfin_system_settings": {"A": [{"ApiKey": "x"}]}}, True),
    "accounts that Ansible masks": ("jellyfin", "jellyfin_user", {"jellyfin_users": PLAIN}, False),
    "a number": ("jellyfin", "jellyfin_user", {"jellyfin_users": [{"name": "a", "password": 1234}]}, False),
    **{
        f"password with {sign!r}": (
            *("jellyfin", "jellyfin_user"),
            {"jellyfin_users": [*PLAIN, {"name": "a", "password": f"x{sign}y"}]},
            True,
        )
        for sign in ("\\", "'", '"', "\t")
    },
}


def hidden(role: str, module: str, given: dict[str, Any], *, secure: bool = True) -> bool:
    """Return the value of no_log of the role's task."""
    loader = DataLoader()
    known: dict[str, Any] = {}
    for name in ("mediaserver", "host", role):
        for part in ("defaults", "vars"):
            path = ROLES / name / part / "main.yml"
            if path.exists():
                known |= loader.load_from_file(str(path), trusted_as_template=True)
    known |= given | {"mediaserver_secure_logging": secure}
    host = {"architecture": "arm64", "gpu": {"devices": [], "gids": []}, "existing": []}
    known["ansible_facts"] = {"mediaserver_host": host}
    tasks = loader.load_from_file(str(ROLES / role / "tasks" / "settings.yml"), trusted_as_template=True)
    tasks = [inner for task in tasks for inner in task.get("block", [task])]
    (task,) = [task for task in tasks if f"household.mediaserver.{module}" in task]
    return bool(Templar(loader=loader, variables=known).template(task.get("no_log", False)))


@pytest.mark.parametrize(("role", "module", "given", "expected"), CASES.values(), ids=list(CASES))
def test_hides_a_task_whose_options_hold_a_secret(
    role: str, module: str, given: dict[str, Any], expected: bool
) -> None:
    assert hidden(role, module, given) is expected
    assert hidden(role, module, given, secure=False) is False


def test_roles_and_modules_treat_the_same_names_as_secret() -> None:
    jackett = DataLoader().load_from_file(str(ROLES / "jackett" / "vars" / "main.yml"))
    assert set(jackett["__jackett_secret_names"]) == {name.lower() for name in SECRETS}
    jellyfin = DataLoader().load_from_file(str(ROLES / "jellyfin" / "vars" / "main.yml"))
    assert f"({SECRET.pattern})" in jellyfin["__jellyfin_secret_name"]
