# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to own a file, by name or number."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.account import UNKNOWN_ID, gid_of, uid_of
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import FileProblem
from ansible_collections.household.mediaserver.plugins.module_utils._core.owned_file import OwnedFile

CASES = {"root": 0, "2000": 2000, "": None, None: None, "unknown-account": UNKNOWN_ID, "²": UNKNOWN_ID}


@pytest.mark.parametrize(("name", "number"), CASES.items())
def test_a_name_or_a_number(name: str | None, number: int | None) -> None:
    assert (uid_of(name), gid_of(name)) == (number, number)


@pytest.mark.parametrize("name", ["²", "unknown-account"])
def test_an_owner_that_is_not_known_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    for file in (OwnedFile(str(tmp_path / "file"), owner=name), OwnedFile(str(tmp_path / "file"), group=name)):
        assert file.wrong_owner(file.read_raw(), may_be_missing=True)
        with pytest.raises(FileProblem, match=f"{name} is not known on this host"):
            file.give_to_owner()
