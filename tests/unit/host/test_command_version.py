# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver version``."""

from __future__ import annotations

from pathlib import Path

import mediaserver
import yaml
from command_host import Docker, container, make_context, run
from mediaserver.command import version

ROOT = Path(__file__).parents[3]
DIGEST = "example/vpn@sha256:" + "a" * 64


def test_the_version_is_that_of_the_collection() -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"] == mediaserver.VERSION


def test_images_are_shown_by_their_digests(tmp_path: Path) -> None:
    docker = Docker(
        container("vpn"), container("jackett"), images={"sha256:vpn": {"RepoDigests": [DIGEST]}, "sha256:jackett": {}}
    )
    found = run(version, make_context(tmp_path, docker=lambda: docker))
    assert found.lines == [
        f"household.mediaserver {mediaserver.VERSION}",
        "jackett        example/jackett:1 sha256:jackett",
        f"vpn            {DIGEST}",
    ]
    assert [one["digests"] for one in found.data["images"]] == [[], [DIGEST]]
    assert found.exit_code == 0


def test_without_access_to_docker_the_version_is_shown(tmp_path: Path) -> None:
    silent = Docker(silent="Docker does not answer at /run/docker.sock: Permission denied")
    found = run(version, make_context(tmp_path, docker=lambda: silent, uid=lambda: 1000))
    assert found.lines[1:] == ["images are not shown: run: sudo mediaserver version"]
    assert (found.data["images"], found.exit_code) == (None, 0)
    found = run(version, make_context(tmp_path, docker=lambda: silent))
    assert found.lines[1:] == [f"images are not shown: {silent.silent}"]
