# SPDX-License-Identifier: GPL-3.0-or-later
"""A field of Jellyfin's users stands in one table; the documentation and the specs that others read are current."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import user_fields
import yaml
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin import user_model, user_plan
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user_model import Field

LONG = " ".join(["Whether the account may download files."] * 4)
MORE = Field("downloads", "bool", ("EnableContentDownloading",), LONG)


@pytest.mark.parametrize("path", user_fields.TARGETS, ids=lambda path: path.name)
def test_what_others_read_is_current(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert user_fields.written(text) == text, "run: make docs"


@pytest.mark.parametrize("path", user_fields.TARGETS, ids=lambda path: path.name)
def test_a_field_more_is_written(path: Path) -> None:
    before = path.read_text(encoding="utf-8")
    text = user_fields.written(before, (*user_fields.FIELDS, MORE))
    assert [line for line in text.splitlines() if len(line) > 120 and line not in before] == []
    if path.suffix == ".yml":
        users = yaml.safe_load(text)["argument_specs"]["main"]["options"]["jellyfin_users"]["options"]
    else:
        users = yaml.safe_load(text.split('r"""')[1].split('"""')[0])["options"]["users"]["suboptions"]
    assert users["downloads"] == {"description": [LONG], "type": "bool"}
    assert {"transcoding", "administrator"} <= set(users)


def test_a_field_more_changes_the_keys_of_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (user_model, user_plan):
        monkeypatch.setattr(module, "FIELDS", (*user_model.FIELDS, MORE))
    (wanted,) = user_model.parse_users([{"name": "child", "downloads": False}])
    assert user_plan.wanted_policy(wanted, {})["EnableContentDownloading"] is False
    (wanted,) = user_model.parse_users([{"name": "child"}])
    assert "EnableContentDownloading" not in user_plan.wanted_policy(wanted, {})


@pytest.mark.parametrize(("arguments", "status", "written"), [(["--check"], 1, False), ([], 0, True)])
def test_program_writes_or_fails(
    arguments: list[str], status: int, written: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "specs.yml"
    old = f"users:\n  {user_fields.BEGIN} in a file.\n  {user_fields.END}\n"
    path.write_text(old)
    monkeypatch.setattr(user_fields, "TARGETS", (path,))
    monkeypatch.setattr(user_fields, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["user_fields", *arguments])
    assert user_fields.main() == status
    assert ("transcoding" in path.read_text()) is written
