# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory, device or socket in the place of a configuration file is named in the error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import FileProblem
from ansible_collections.household.mediaserver.plugins.module_utils._core.owned_file import OwnedFile


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_folder_or_pipe_in_its_place_is_named(tmp_path: Path, make: object) -> None:
    assert callable(make)
    path = tmp_path / "ServerConfig.json"
    make(path)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileProblem, match=f"^{path} is not a file"):
        OwnedFile(str(path)).read_raw()
    assert len(os.listdir("/proc/self/fd")) == before
