# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver verify`` makes the checks of vpn-verify, with its lines and exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_host import make_context, run
from mediaserver._core.errors import AccessDenied, CheckFailed
from mediaserver.command import verify
from mediaserver.verify import verify as program
from mediaserver.verify.checks import Verification
from mediaserver.verify.verify import Result


def failing() -> str:
    raise CheckFailed("it leaks")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Verification]:
    """Checks of which the second fails; the list of what they were made on."""
    made: list[Verification] = []

    def checks(verification: Verification) -> dict[str, Callable[[], str]]:
        made.append(verification)
        return {"host": lambda: "good", "way out": failing}

    def results(verification: Verification) -> Iterator[Result]:
        return program.results(verification, checks=checks, lock=Path("/nowhere/lock"))

    monkeypatch.setattr(verify, "results", results)
    return made


def test_results_are_shown_as_they_come(tmp_path: Path, asked: list[Verification]) -> None:
    shown: list[str] = []
    found = run(verify, make_context(tmp_path, show=shown.append))
    assert shown == ["ok    host: good", "FAIL  way out: it leaks"]
    assert (found.lines, found.exit_code) == (["1 of the checks failed"], 1)
    assert asked == [Verification(tmp_path, "http://page.example/", "192.0.2.1")]


def test_json_has_every_check_and_shows_nothing_before(tmp_path: Path, asked: list[Verification]) -> None:
    shown: list[str] = []
    found = run(verify, make_context(tmp_path, show=shown.append), "--json")
    assert shown == []
    assert found.data == {
        "failed": 1,
        "checks": [
            {"check": "host", "passed": True, "text": "good"},
            {"check": "way out", "passed": False, "text": "it leaks"},
        ],
    }


def test_arguments_have_precedence(tmp_path: Path, asked: list[Verification]) -> None:
    run(verify, make_context(tmp_path), "--address-page", "http://other/", "--target", "198.51.100.7")
    assert asked == [Verification(tmp_path, "http://other/", "198.51.100.7")]


def test_it_needs_root(tmp_path: Path, asked: list[Verification]) -> None:
    with pytest.raises(AccessDenied, match="sudo mediaserver verify"):
        run(verify, make_context(tmp_path, uid=lambda: 1000))
    assert asked == []
