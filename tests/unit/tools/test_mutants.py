# SPDX-License-Identifier: GPL-3.0-or-later
"""``make mutants`` itself: a test of the barriers runs under it, and fails with a table that lacks its rule."""

from __future__ import annotations

import os
import shutil

import mutants
import pytest

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("nft") is None, reason="needs nft (Debian package nftables)"),
]
TEST = f"{mutants.TESTS[0]}::test_a_connection_that_a_web_interface_opens_is_counted"


def test_test_of_barriers_passes_with_unchanged_table_and_fails_without_its_rule() -> None:
    assert mutants.run_tests(None, TEST) == ""
    outer = mutants.mutants_of("outer", mutants.rendered()["outer"])
    without = next(
        mutant for mutant in outer if "name leak_attempts_out drop" in mutant.rule and "ipv6" not in mutant.rule
    )
    assert mutants.run_tests(without, TEST).endswith("[the LAN]")
