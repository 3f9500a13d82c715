# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the modules on a Pi of the lab, over SSH, with real daemons and doubles in separate containers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "tests/testinfra", "tests/modules")]

import four_runs  # noqa: E402  (the path above must be set first)
import pytest  # noqa: E402
from contract import Household  # noqa: E402
from fixtures import host, household, inventory  # noqa: E402
from four_runs import RunFourTimes  # noqa: E402

__all__ = ["host", "household", "inventory"]

FOLDER = "/srv/modules"


@pytest.fixture(scope="session", autouse=True)
def folder(host: Any, household: Household) -> Iterator[str]:
    """A folder on the Pi for the files of the modules; it is removed at the end, with the containers."""
    host.check_output(f"rm -rf {FOLDER} && mkdir -m 0755 {FOLDER}")
    yield FOLDER
    host.check_output("docker ps --all --quiet --filter label=modules | xargs --no-run-if-empty docker rm --force")
    host.check_output(f"rm -rf {FOLDER}")


@pytest.fixture
def run_four_times(inventory: str, tmp_path: Path) -> RunFourTimes:
    """Run a module four times; see ``four_runs.run``."""
    return lambda module, **options: four_runs.run(inventory, tmp_path, module, options)


@pytest.fixture(scope="session")
def run_container(host: Any, household: Household) -> Callable[..., None]:
    """Start a container on the Pi with the household's account, or only create it (``start=False``)."""

    def make(name: str, image: str, *arguments: str, port: str, config: str, start: bool = True) -> None:
        owner, group = household["mediaserver_uid"], household["mediaserver_gid"]
        host.check_output(f"docker rm --force {name} 2>/dev/null; install -d -m 0700 -o {owner} -g {group} {config}")
        verb = "run --detach" if start else "create"
        host.check_output(
            f"docker {verb} --label modules --name {name} --user {owner}:{group} --publish 127.0.0.1:{port}"
            f" --volume {config}:/config {image} {' '.join(arguments)}"
        )

    return make
