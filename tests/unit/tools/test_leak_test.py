# SPDX-License-Identifier: GPL-3.0-or-later
"""``make leak-test`` passes only with a complete matrix without leaks, in which every probe of the controls is seen."""

from __future__ import annotations

from dataclasses import replace

import leak_test
import pytest
from phases import PHASES, VARIANTS
from report import Row

CELLS = [(phase.name, variant) for phase in PHASES for variant in VARIANTS if phase.has(variant)]
COMPLETE = [Row(phase, variant, "icmp-device", 0, None, 1.0) for phase, variant in CELLS]
COMPLETE += [Row(phase, variant, "icmp-device", 4, seen=True) for phase, variant in sorted(leak_test.CONTROLS)]


def test_complete_matrix_has_no_faults() -> None:
    assert len(CELLS) > 80
    assert leak_test.faults(COMPLETE) == []


@pytest.mark.parametrize("gone", [("reboot", "outer only"), ("control", "no VPN, household 1")])
def test_names_missing_cell(gone: tuple[str, str]) -> None:
    rest = [row for row in COMPLETE if (row.phase, row.variant) != gone]
    assert leak_test.faults(rest) == [f"not run: {gone[0]}, {gone[1]}"]


def test_names_leak_but_not_permitted_packets() -> None:
    first, *rest = COMPLETE
    leak = replace(first, probe="any", clear_packets=2)
    assert leak_test.faults([*COMPLETE, leak]) == [f"in clear: 2 of any in {first.phase}, {first.variant}"]
    assert leak_test.faults([replace(leak, permitted="Docker's proxy"), *COMPLETE]) == []
    assert leak_test.faults([leak, *rest]) == [f"in clear: 2 of any in {first.phase}, {first.variant}"]


def test_names_probe_not_seen_in_control() -> None:
    unseen = Row("control", "both off, household 1", "udp-source", 0, seen=False)
    assert leak_test.faults([*COMPLETE, unseen]) == ["not seen: udp-source in control, both off, household 1"]
