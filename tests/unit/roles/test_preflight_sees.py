# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight sees every public variable of every role, with the value that the household gave it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROLES = Path(__file__).resolve().parents[3] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir())


def options(role: str) -> dict[str, Any]:
    text = (ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["argument_specs"]["main"]["options"])


def seen(*roles: str, name: str = "__preflight_settings", **given: Any) -> dict[str, Any]:
    """What preflight passes to its checks in a play with these roles; or another variable of it."""
    loader = DataLoader()
    variables: dict[str, Any] = {
        "role_path": str(ROLES / "preflight"),
        "playbook_dir": "/nonexistent",
        "inventory_hostname": "pi",
        "ansible_play_role_names": [f"household.mediaserver.{role}" for role in roles],
        "ansible_facts": {},
    }
    for role in (*roles, "mediaserver", "preflight"):
        variables |= loader.load_from_file(str(ROLES / role / "defaults" / "main.yml"), trusted_as_template=True) or {}
    for role in ("mediaserver", "preflight"):
        variables |= loader.load_from_file(str(ROLES / role / "vars" / "main.yml"), trusted_as_template=True)
    templar = Templar(loader=loader, variables=variables | given)
    return dict(templar.template(variables[name]))


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    required = {name: "given" for role in NAMES for name, option in options(role).items() if option.get("required")}
    return seen(*NAMES, **required, mediaserver_ipv6=True)


@pytest.mark.parametrize("role", NAMES)
def test_passes_every_public_variable_of_the_role(role: str, whole: dict[str, Any]) -> None:
    assert set(options(role)) - set(whole) == set()


def test_passes_a_variable_with_a_digit_in_its_name(whole: dict[str, Any]) -> None:
    assert whole["mediaserver_ipv6"] is True


def test_leaves_out_services_that_are_not_in_the_play() -> None:
    found = seen("host", "storage", jellyfin_language="no", transmission_user="family")
    assert not [name for name in found if name.startswith(("jellyfin_", "transmission_"))]
    assert {"mediaserver_lan", "host_packages", "storage_uuid", "preflight_min_year"} <= set(found)


@pytest.mark.parametrize("service", ["transmission", "jackett", "jellyfin"])
def test_a_service_that_the_household_leaves_out_takes_no_part(service: str) -> None:
    every = ["vpn", "wireguard", "transmission", "jackett", "jellyfin"]
    left = {"stack_services": [name for name in every if name != service]}
    required = {name: "given" for role in NAMES for name, option in options(role).items() if option.get("required")}
    given = {name: value for name, value in required.items() if not name.startswith(f"{service}_")} | left
    roles = [role for role in NAMES if role not in ("mediaserver", "preflight")]
    found = seen(*roles, **given)
    assert not [name for name in found if name.startswith(f"{service}_")]
    assert [one["name"] for one in found["preflight_services"]] == left["stack_services"]
    asked = seen(*roles, name="__preflight_specs", **given)
    assert not [name for name in asked if name.startswith(f"{service}_")]
    assert set(required) - set(given) <= set(seen(*roles, name="__preflight_specs", **required))
