# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that run the whole playbook against a Pi of the lab, break things on it, and boot it again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "testinfra")]

from contract import Household, load_values  # noqa: E402  (the paths above must be set first)


def pytest_configure(config: pytest.Config) -> None:
    config.option.hosts = config.option.hosts or "ansible://mediaserver"
    config.option.sudo = True


@pytest.fixture(scope="session")
def inventory(pytestconfig: pytest.Config) -> str:
    """Absolute, because playbooks are run from the root of the project."""
    return str(Path(pytestconfig.option.ansible_inventory or ROOT / "inventory" / "demo").resolve())


@pytest.fixture(scope="module")
def house(host: Any) -> Household:
    return load_values(host.ansible.get_variables())
