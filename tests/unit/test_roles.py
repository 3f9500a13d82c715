# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role has one list of variables, which defaults, argument specs and README share, and an example that runs."""

from __future__ import annotations

import os
import re
import subprocess
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
    services = ["transmission", "jackett", "jellyfin", "upkeep"]
    assert (
        sorted(["mediaserver", "preflight", "host", "storage", "docker", "runtime", "gateway", "stack", *services])
        == ROLES
    )


def test_preflight_knows_every_role_and_site_yml_has_them_in_the_same_order() -> None:
    known = load("preflight", "vars/main.yml")["__preflight_roles_known"]
    assert sorted(known) == ROLES
    site = (ROOT / "playbooks" / "site.yml").read_text(encoding="utf-8")
    imported = re.findall(r"import_role: \{name: household\.mediaserver\.(\w+)(?:, rolespec_validate: false)?\}", site)
    assert imported == [role for role in known if role in imported]
    assert set(known) - set(imported) == {"mediaserver", "stack"}, "these are imported in parts"


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_the_argument_specs(role: str) -> None:
    described = options(role)
    optional = {name: option.get("default") for name, option in described.items() if not option.get("required")}
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
    # preflight checks the shared variables itself, and names all that are wrong.
    without_validation = {"when": False} if role == "preflight" else {}
    assert load(role, "meta/main.yml")["dependencies"] == [
        {"role": "household.mediaserver.mediaserver", **without_validation}
    ]


def specs(**options: dict[str, Any]) -> dict[str, Any]:
    main = {"short_description": "Short", "description": ["Long, with V(a|b)."], "options": options}
    return {"argument_specs": {"main": main}}


def test_a_table_shows_type_default_and_nested_options() -> None:
    inner = {"y": {"type": "int", "required": True, "description": "One."}}
    x_list = {"type": "list", "elements": "dict", "default": [], "description": "Some.", "options": inner}
    x_kind = {"choices": ["a", "b"], "description": "Which.", "default": ""}
    assert role_readme.readme("x", specs(x_list=x_list, x_kind=x_kind)).splitlines()[4:11] == [
        "Long, with `a\\|b`.",
        "",
        "| variable | type | default | meaning |",
        "| --- | --- | --- | --- |",
        "| `x_list` | list of dict | `[]` | Some. |",
        "| `x_list.y` | int | **required** | One. |",
        '| `x_kind` | str | `""` | Which. One of `a`, `b`. |',
    ]


def test_a_long_default_is_shown_below_the_table() -> None:
    value = {f"key{number}": number for number in range(20)}
    text = role_readme.readme("x", specs(x_dict={"type": "dict", "default": value, "description": "Many."}))
    assert "| `x_dict` | dict | below | Many. |" in text
    assert yaml.safe_load(text.split("```yaml\n")[1].split("```")[0]) == value


def plays(text: str) -> Any:
    """Return the last YAML block of a README, which is the example."""
    return yaml.safe_load(text.rsplit("```yaml\n", maxsplit=1)[-1].split("```", maxsplit=1)[0])


def test_the_example_gives_what_is_required_and_secrets_from_the_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    x_key = {"required": True, "no_log": True, "description": "Secret."}
    monkeypatch.setattr(role_readme, "example_values", lambda: {"x_name": "family"})
    text = role_readme.readme("x", specs(x_name={"required": True, "description": "Name."}, x_key=x_key))
    (play,) = plays(text)
    assert play["roles"] == [
        {"role": "household.mediaserver.x", "vars": {"x_name": "family", "x_key": "{{ vault_x_key }}"}}
    ]


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_has_a_play_that_the_example_inventory_can_run(role: str) -> None:
    household = ROOT / "inventory" / "example"
    vault = yaml.safe_load((household / "host_vars/livingroom/vault.yml.example").read_text(encoding="utf-8"))
    hosts = yaml.safe_load((household / "hosts.yml").read_text(encoding="utf-8"))
    (play,) = plays((ROOT / "roles" / role / "README.md").read_text(encoding="utf-8"))
    assert play["hosts"] in hosts
    (used,) = play["roles"]
    assert used["role"] == f"household.mediaserver.{'host' if role == 'mediaserver' else role}"
    given = used.get("vars", {})
    assert {name for name, option in options(role).items() if option.get("required")} <= set(given)
    secrets = [value.strip("{} ") for value in given.values() if str(value).startswith("{{")]
    assert [name for name in secrets if name not in vault] == []


def test_ansible_accepts_the_plays_of_all_readmes(tmp_path: Path) -> None:
    book = tmp_path / "plays.yml"
    texts = [(ROOT / "roles" / role / "README.md").read_text(encoding="utf-8") for role in ROLES]
    book.write_text(yaml.safe_dump([play for text in texts for play in plays(text)]))
    done = subprocess.run(
        ["ansible-playbook", "--inventory", "inventory/example", "--syntax-check", str(book)],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            "ANSIBLE_HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("arguments", "status", "after"), [(["--check"], 1, "old"), ([], 0, "new")])
def test_check_names_stale_readmes_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    after: str,
) -> None:
    role = tmp_path / "roles" / "x"
    (role / "meta").mkdir(parents=True)
    (role / "meta" / "argument_specs.yml").write_text(yaml.safe_dump(specs()))
    (role / "README.md").write_text("old")
    monkeypatch.setattr(role_readme, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["role_readme", *arguments])
    assert role_readme.main() == status
    assert capsys.readouterr().out == "roles/x/README.md\n"
    assert (role / "README.md").read_text() == {"old": "old", "new": role_readme.readme("x", specs())}[after]
    monkeypatch.setattr(sys, "argv", ["role_readme", "--check"])
    assert role_readme.main() == status
