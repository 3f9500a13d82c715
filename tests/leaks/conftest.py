# SPDX-License-Identifier: GPL-3.0-or-later
"""The leak test: faults in a household of the lab, and a capture of the packets on its uplink."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "tests/lab", "tests/leaks")]

import report  # noqa: E402  (the path above must be set first)
from lab_control import LabControl  # noqa: E402
from own_services import own_services  # noqa: E402
from topology import HOUSEHOLDS  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", choices=("quick", "full"), default="quick", help="the part of the leak matrix to run")
    parser.addoption(
        "--variants", default="both,outer only,inner only", help="the variants to run, separated by commas"
    )
    parser.addoption("--household", type=int, default=1, help="the number of the lab's household to test")
    parser.addoption("--own-services", action="store_true", help="give the household services of its own")
    parser.addoption("--joined", action="store_true", help="keep the results of other runs in the report")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: only with --matrix=full")
    config.addinivalue_line("markers", "new_namespace: the test recreates the VPN namespace")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.matrix != "full":
        left_out = [item for item in items if item.get_closest_marker("full")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Iterator[LabControl]:
    inventory = pytestconfig.option.ansible_inventory or str(ROOT / "inventory" / "demo")
    household = HOUSEHOLDS[pytestconfig.option.household - 1]
    own = tuple(own_services()) if pytestconfig.option.own_services else ()
    found = LabControl(household, str(Path(inventory).resolve()), own=own)
    if own:
        found.converge()
    found.install_prober()
    yield found
    found.remove_prober()


@pytest.fixture(scope="session")
def matrix(pytestconfig: pytest.Config) -> Iterator[list[report.Row]]:
    """All results of this session; they are written to the report at its end."""
    found: list[report.Row] = []
    yield found
    merged = report.add(found, joined=pytestconfig.option.joined)
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n{report.table(merged)}")


@pytest.fixture
def rows(matrix: list[report.Row]) -> list[report.Row]:
    return matrix
