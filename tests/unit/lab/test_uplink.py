# SPDX-License-Identifier: GPL-3.0-or-later
"""The MTU of this machine's default route."""

from __future__ import annotations

from pathlib import Path

import households
import pytest

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
LAN = "lan0\t0010120A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
DEFAULT = "up0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"


@pytest.mark.parametrize(
    ("routes", "mtu", "expected"),
    [
        pytest.param(HEAD + LAN + DEFAULT, 1400, 1400, id="narrow"),
        pytest.param(HEAD + DEFAULT, 9000, 1500, id="jumbo frames"),
        pytest.param(HEAD + LAN, 1400, 1500, id="no default route"),
    ],
)
def test_mtu_is_that_of_default_route(tmp_path: Path, routes: str, mtu: int, expected: int) -> None:
    (tmp_path / "route").write_text(routes, encoding="ascii")
    for device, width in (("up0", mtu), ("lan0", 576)):
        (tmp_path / device).mkdir()
        (tmp_path / device / "mtu").write_text(f"{width}\n", encoding="ascii")
    assert households.uplink_mtu(tmp_path / "route", tmp_path) == expected
