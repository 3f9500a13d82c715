# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/transmission-settings.md matches the module's table of settings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import settings_table
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import SETTINGS, TABLE


def test_page_is_up_to_date() -> None:
    assert settings_table.TARGET.read_text(encoding="utf-8") == settings_table.page(), "run: make docs"


def test_every_setting_has_a_row() -> None:
    rows = [line.split(" | ") for line in settings_table.page().splitlines() if line.startswith("| `")]
    listed = [cells[0].removeprefix("| ").strip("`") for cells in rows if len(cells) == 6]
    assert listed == sorted(setting.name for setting in SETTINGS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "cache-size-mb",
            "| `cache-size-mb` | a whole number from 0 (MiB) | live | 3.00"
            " | `cache-size-mb` / `cache_size_mib` | `cache-size-mb` / `cache_size_mib` |",
        ),
        ("speed-limit-up", "| `speed-limit-up` | a whole number from 0 (kB/s) | live | 3.00 |  |  |"),
        ("start-paused", "| `start-paused` | true or false | stopped | 4.0 | none | `start_paused` |"),
        ("rpc-password", "| `rpc-password` | `password`, an option (secret) | stopped | 3.00 | none |  |"),
        ("prefetch-enabled", "| `prefetch-enabled` | true or false | stopped | 3.00 to 4.0 | none |  |"),
    ],
)
def test_row(name: str, text: str) -> None:
    assert settings_table.row(TABLE[name]) == text


@pytest.mark.parametrize(
    ("arguments", "status", "written"), [(["--check"], 1, False), ([], 0, True)], ids=["check", "write"]
)
def test_writes_page_or_fails_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, written: bool
) -> None:
    target = tmp_path / "page.md"
    monkeypatch.setattr(settings_table, "ROOT", tmp_path)
    monkeypatch.setattr(settings_table, "TARGET", target)
    monkeypatch.setattr(sys, "argv", ["settings_table", *arguments])
    assert settings_table.main() == status
    assert target.exists() is written
    if written:
        assert settings_table.main() == 0
