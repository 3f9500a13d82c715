# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the host package importable as it is on the Pi, and what these tests share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from barrier_lab import NetworkLab

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
# The last one has Jellyfin's double.
sys.path[:0] = [str(ROOT / "roles" / "runtime" / "files" / "lib"), str(HERE), str(ROOT / "tests" / "doubles")]


@pytest.fixture
def lab() -> Iterator[NetworkLab]:
    """Namespaces of the kernel for the tests of both barriers."""
    import barrier_lab

    with barrier_lab.built() as made:
        yield made
