# SPDX-License-Identifier: GPL-3.0-or-later
"""What every role promises: one list of variables, in defaults, specs and README alike."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import role_readme  # noqa: E402  (the tools are programs, not a package)

ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())


def load(role: str, path: str) -> Any:
    return yaml.safe_load((ROOT / "roles" / role / path).read_text(encoding="utf-8"))


def options(role: str) -> dict[str, Any]:
    return dict(load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"])


def test_the_roles_are_those_of_the_design() -> None:
    assert (
        sorted(
            [
                "mediaserver",
                "preflight",
                "host",
                "storage",
                "docker",
                "gateway",
                "stack",
                "transmission",
                "jackett",
                "jellyfin",
                "upkeep",
            ]
        )
        == ROLES
    )


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_the_argument_specs(role: str) -> None:
    specs = options(role)
    optional = {name: option.get("default") for name, option in specs.items() if not option.get("required")}
    assert load(role, "defaults/main.yml") == optional


@pytest.mark.parametrize("role", ROLES)
def test_names_belong_to_their_role(role: str) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role}_")] == []


@pytest.mark.parametrize("role", ROLES)
def test_everything_is_described(role: str) -> None:
    main = load(role, "meta/argument_specs.yml")["argument_specs"]["main"]
    assert main["short_description"]
    assert main["description"]
    assert [name for name, option in main["options"].items() if not option.get("description")] == []


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_is_written_from_the_specs(role: str) -> None:
    written = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    assert written == role_readme.readme(role, role_readme.read_specs(ROOT / "roles" / role)), "run: make docs"


@pytest.mark.parametrize("role", [role for role in ROLES if role != "mediaserver"])
def test_each_role_runs_alone_with_the_shared_values(role: str) -> None:
    assert load(role, "meta/main.yml")["dependencies"] == [{"role": "household.mediaserver.mediaserver"}]


def test_a_table_shows_kind_default_and_what_is_inside() -> None:
    specs = {
        "argument_specs": {
            "main": {
                "short_description": "Short",
                "description": ["Long, with V(a|b)."],
                "options": {
                    "x_list": {
                        "type": "list",
                        "elements": "dict",
                        "default": [],
                        "description": "Some.",
                        "options": {"y": {"type": "int", "required": True, "description": "One."}},
                    }
                },
            }
        }
    }
    assert role_readme.readme("x", specs).splitlines()[4:10] == [
        "Long, with `a\\|b`.",
        "",
        "| variable | type | default | meaning |",
        "| --- | --- | --- | --- |",
        "| `x_list` | list of dict | `[]` | Some. |",
        "| `x_list.y` | int | required | One. |",
    ]
