# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.household.mediaserver.plugins.lookup.folder_entries import (
    LookupModule,
    entries_below,
)


def test_each_visible_file_becomes_an_entry(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "run.sh").write_text("one\n")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "sub" / "data").write_text("two")
    assert entries_below(tmp_path, "/opt/x") == [
        {"path": "/opt/x", "state": "directory", "mode": "0755"},
        {"path": "/opt/x/run.sh", "content": "one\n", "mode": "0755"},
        {"path": "/opt/x/sub", "state": "directory", "mode": "0755"},
        {"path": "/opt/x/sub/data", "content": "two", "mode": "0644"},
    ]


def test_missing_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lookup = LookupModule(loader=DataLoader())
    monkeypatch.setattr(lookup, "set_options", lambda **kwargs: None)
    with pytest.raises(AnsibleLookupError, match="no folder 'nowhere'"):
        lookup.run(["nowhere"], {}, dest="/opt/x")
