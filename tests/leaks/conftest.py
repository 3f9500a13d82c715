# SPDX-License-Identifier: GPL-3.0-or-later
"""The leak test: a household of the lab, broken in every way we know, judged by the packets on its uplink."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "tests/lab", "tests/leaks")]

import report  # noqa: E402  (the path above must be set first)
from stage import Stage  # noqa: E402
from topology import HOUSES  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", choices=("quick", "full"), default="quick", help="how much of the leak matrix to run")
    parser.addoption(
        "--variants", default="both,outer only,inner only", help="which of its variants, with commas between"
    )
    parser.addoption("--house", type=int, default=1, help="the number of the lab's household to break")
    parser.addoption("--joined", action="store_true", help="leave the rest of the report as it is")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: only with --matrix=full")
    config.addinivalue_line("markers", "newborn: the namespace is made anew meanwhile")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.matrix != "full":
        left_out = [item for item in items if item.get_closest_marker("full")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def stage(pytestconfig: pytest.Config) -> Iterator[Stage]:
    inventory = pytestconfig.option.ansible_inventory or str(ROOT / "inventory" / "demo")
    found = Stage(HOUSES[pytestconfig.option.house - 1], str(Path(inventory).resolve()))
    found.install_prober()
    yield found
    found.remove_prober()


@pytest.fixture(scope="session")
def matrix(pytestconfig: pytest.Config) -> Iterator[list[report.Row]]:
    """Every result. With --joined those that are written down already stand, except where they are repeated."""
    found: list[report.Row] = []
    yield found
    merged = report.add(found, joined=pytestconfig.option.joined)
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n{report.table(merged)}")


@pytest.fixture
def rows(matrix: list[report.Row]) -> list[report.Row]:
    return matrix
