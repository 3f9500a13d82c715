# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules on a Pi of the lab, over SSH, against real daemons and doubles in containers of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "tests/testinfra", "tests/modules")]

import pytest  # noqa: E402  (the path above must be set first)
from contract import Household  # noqa: E402
from fixtures import host, house, inventory  # noqa: E402
from four import Show, show  # noqa: E402

__all__ = ["host", "house", "inventory"]

FOLDER = "/srv/modules"


@pytest.fixture(scope="session", autouse=True)
def folder(host: Any, house: Household) -> Iterator[str]:
    """A folder on the Pi for whatever the modules write here; it goes at the end, with the containers."""
    host.check_output(f"rm -rf {FOLDER} && mkdir -m 0755 {FOLDER}")
    yield FOLDER
    host.check_output("docker ps --all --quiet --filter label=modules | xargs --no-run-if-empty docker rm --force")
    host.check_output(f"rm -rf {FOLDER}")


@pytest.fixture
def four(inventory: str, tmp_path: Path) -> Show:
    """Run a module four times; see ``four.show``."""
    return lambda module, **options: show(inventory, tmp_path, module, options)


@pytest.fixture(scope="session")
def run(host: Any, house: Household) -> Callable[..., None]:
    """Have a container of the household's account run on the Pi, or only be there (``start=False``)."""

    def make(name: str, image: str, *arguments: str, port: str, config: str, start: bool = True) -> None:
        owner, group = house["mediaserver_uid"], house["mediaserver_gid"]
        host.check_output(f"docker rm --force {name} 2>/dev/null; install -d -m 0700 -o {owner} -g {group} {config}")
        verb = "run --detach" if start else "create"
        host.check_output(
            f"docker {verb} --label modules --name {name} --user {owner}:{group} --publish 127.0.0.1:{port}"
            f" --volume {config}:/config {image} {' '.join(arguments)}"
        )

    return make
