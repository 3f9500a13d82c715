# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/command.md and the bash completion match the command's parser."""

from __future__ import annotations

import sys
from pathlib import Path

import command_reference
import pytest
from command_reference import exit_codes


@pytest.mark.parametrize("path", command_reference.targets(), ids=lambda path: path.name)
def test_the_file_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == command_reference.targets()[path], "run: make docs"


def test_every_subcommand_has_a_section_with_its_arguments() -> None:
    text = command_reference.page()
    for one in command_reference.SUBCOMMANDS:
        section = text.partition(f"\n## mediaserver {one.NAME}\n")[2].partition("\n## ")[0]
        assert one.DESCRIPTION in section
        assert "| `--json` | print the result as JSON |" in section
        assert all(f"| {code} | {text} |" in section for code, text in exit_codes(one).items())


@pytest.mark.parametrize(
    ("arguments", "status", "written"), [(["--check"], 1, False), ([], 0, True)], ids=["check", "write"]
)
def test_writes_files_or_fails_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, written: bool
) -> None:
    target = tmp_path / "page.md"
    monkeypatch.setattr(command_reference, "ROOT", tmp_path)
    monkeypatch.setattr(command_reference, "targets", lambda: {target: "new"})
    monkeypatch.setattr(sys, "argv", ["command_reference", *arguments])
    assert command_reference.main() == status
    assert target.exists() is written
    if written:
        assert command_reference.main() == 0
