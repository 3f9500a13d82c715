# SPDX-License-Identifier: GPL-3.0-or-later
"""The compose file, .env and both barriers, byte by byte: what a household has must not change unseen."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent))

import rendered_households


@pytest.fixture(scope="module")
def now() -> dict[str, str]:
    return rendered_households.recorded()


def test_each_household_is_recorded(now: dict[str, str]) -> None:
    assert {path.name for path in rendered_households.RENDERED.iterdir()} == set(now)


@pytest.mark.parametrize("file", sorted(path.name for path in rendered_households.RENDERED.iterdir()))
def test_every_byte_is_as_recorded(file: str, now: dict[str, str]) -> None:
    assert now[file] == (rendered_households.RENDERED / file).read_text(encoding="utf-8")
