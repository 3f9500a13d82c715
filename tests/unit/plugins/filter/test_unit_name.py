# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.filter.unit_name import unit_name

CASES = {
    "/mnt": "mnt.mount",
    "/srv/media-disk/": "srv-media\\x2ddisk.mount",
    "/srv/.hidden": "srv-.hidden.mount",
    "/.hidden": "\\x2ehidden.mount",
    "/média x": "m\\xc3\\xa9dia\\x20x.mount",
    "/": "-.mount",
}


@pytest.mark.parametrize(("path", "unit"), CASES.items())
def test_path_is_escaped_by_systemds_rules(path: str, unit: str) -> None:
    assert unit_name(path, "mount") == unit


@pytest.mark.skipif(shutil.which("systemd-escape") is None, reason="systemd is not installed here")
@pytest.mark.parametrize("path", CASES)
def test_result_equals_systemd_escape(path: str) -> None:
    told = subprocess.run(
        ["systemd-escape", "--path", "--suffix=mount", path], capture_output=True, text=True, check=True
    )
    assert unit_name(path, "mount") == told.stdout.strip()


def test_relative_path_is_rejected() -> None:
    with pytest.raises(AnsibleFilterError, match="'mnt' is not an absolute path"):
        unit_name("mnt", "mount")
