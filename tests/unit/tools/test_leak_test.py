# SPDX-License-Identifier: GPL-3.0-or-later
"""``make leak-test`` says yes to a whole matrix at 0 with every control seen, and to nothing else."""

from __future__ import annotations

from dataclasses import replace

import leak_test
import pytest
from phases import PHASES, VARIANTS
from report import Row

CELLS = [(phase.name, variant) for phase in PHASES for variant in VARIANTS if phase.has(variant)]
WHOLE = [Row(phase, variant, "icmp-device", 0, None, 1.0) for phase, variant in CELLS]
WHOLE += [Row(phase, variant, "icmp-device", 4, seen=True) for phase, variant in sorted(leak_test.CONTROLS)]


def test_a_whole_matrix_wants_nothing() -> None:
    assert len(CELLS) > 80
    assert leak_test.wanting(WHOLE) == []


@pytest.mark.parametrize("gone", [("reboot", "outer only"), ("control", "no VPN, house 1")])
def test_what_nobody_has_tried_is_named(gone: tuple[str, str]) -> None:
    rest = [row for row in WHOLE if (row.phase, row.variant) != gone]
    assert leak_test.wanting(rest) == [f"not tried: {gone[0]}, {gone[1]}"]


def test_a_packet_in_clear_is_named_and_what_the_design_lets_pass_is_not() -> None:
    first, *rest = WHOLE
    leak = replace(first, probe="any", clear_packets=2)
    assert leak_test.wanting([*WHOLE, leak]) == [f"in clear: 2 of any in {first.phase}, {first.variant}"]
    assert leak_test.wanting([replace(leak, let="Docker's proxy"), *WHOLE]) == []
    assert leak_test.wanting([leak, *rest]) == [f"in clear: 2 of any in {first.phase}, {first.variant}"]


def test_a_control_that_was_blind_is_named() -> None:
    blind = Row("control", "both off, house 1", "udp-source", 0, seen=False)
    assert leak_test.wanting([*WHOLE, blind]) == ["not seen: udp-source in control, both off, house 1"]
