# SPDX-License-Identifier: GPL-3.0-or-later
"""host_info tells whether daemon.json is already what the role docker would make of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._host.configuration import docker_file
from ansible_collections.household.mediaserver.plugins.module_utils._host.docker_daemon import FILE
from ansible_collections.household.mediaserver.plugins.module_utils._host.reader import Reader
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._host.hosts import FakeReader

OURS = {"log-driver": "json-file", "log-opts": {"max-size": "10m"}}
FOLDER = "/etc/docker"
COMPLETE = json.dumps({**OURS, "mine": True})

# The file's text, what else is measured, the wanted layers, whether nothing is left to do.
CASES: dict[str, tuple[str | None, dict[str, Any], tuple[dict[str, Any], ...], bool]] = {
    "complete, in another layout": (COMPLETE, {}, (OURS,), True),
    "complete, with options": (COMPLETE, {}, (OURS, {"mine": True}), True),
    "an option differs": (COMPLETE, {}, (OURS, {"mine": False}), False),
    "a nested option is missing": (COMPLETE, {}, (OURS, {"log-opts": {"max-file": "3"}}), False),
    "no file": (None, {}, (OURS,), False),
    "empty file": ("", {}, (OURS,), False),
    "damaged file": (COMPLETE[:-1], {}, (OURS,), False),
    "nothing to compare with": (COMPLETE, {}, (), False),
    "file of another account": (COMPLETE, {"of_others": [FILE]}, (OURS,), False),
    "folder of another account": (COMPLETE, {"of_others": [FOLDER]}, (OURS,), False),
    "folder with another mode": (COMPLETE, {"modes": {FOLDER: "0700"}}, (OURS,), False),
}


@pytest.mark.parametrize(("text", "given", "layers", "settled"), CASES.values(), ids=CASES.keys())
def test_file_is_settled_when_the_role_would_change_nothing(
    text: str | None, given: dict[str, Any], layers: tuple[dict[str, Any], ...], settled: bool
) -> None:
    files = {} if text is None else {FILE: text}
    assert docker_file(FakeReader(files, **given), layers)["settled"] is settled


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("/etc/passwd", False, True),
        ("/etc/passwd", True, False),
        ("/etc", True, True),
        ("/etc", False, False),
        ("/nowhere", False, False),
    ],
)
def test_asks_the_host_for_kind_and_owner(path: str, folder: bool, expected: bool) -> None:
    assert Reader(lambda *_a, **_o: (0, "", "")).owned_by_root(path, folder=folder) is expected


def test_a_link_is_not_the_file(tmp_path: Path) -> None:
    link = tmp_path / "daemon.json"
    link.symlink_to("/etc/passwd")
    assert Reader(lambda *_a, **_o: (0, "", "")).owned_by_root(str(link), folder=False) is False
