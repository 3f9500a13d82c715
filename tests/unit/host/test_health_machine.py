# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory, temperature, power, clock and reboot; and what vcgencmd answers that it should not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from health_home import BOOT, NOW, Commands, environment, only
from mediaserver.health import machine
from mediaserver.health.environment import Moment
from mediaserver.health.model import State

MEMINFO = "MemTotal:        3885400 kB\nMemFree:          120000 kB\nMemAvailable:    {available} kB\n"
# As a kernel 6.12 prints it.
PRESSURE = "some avg10=0.00 avg60=0.00 avg300=1.20 total=1\nfull avg10=0.00 avg60=0.00 avg300={full} total=1\n"


@pytest.mark.parametrize(
    ("available", "full", "state"),
    [
        (2_000_000, "0.00", State.OK),
        (190_000, "0.00", State.WARNING),
        (2_000_000, "5.00", State.WARNING),
        (2_000_000, "31.07", State.BAD),
    ],
)
def test_memory(available: int, full: str, state: State) -> None:
    assert machine.judge_memory(MEMINFO.format(available=available), PRESSURE.format(full=full)).state is state


def test_memory_of_a_kernel_without_pressure_is_judged_by_what_is_available() -> None:
    found = machine.judge_memory(MEMINFO.format(available=2_000_000), "")
    assert found.state is State.OK
    assert [one.metric for one in found.values] == [machine.AVAILABLE]


@pytest.mark.parametrize("text", ["", "nonsense", "MemTotal: 0 kB\nMemAvailable: 1 kB", "MemTotal:  x kB"])
def test_memory_that_cannot_be_read_is_unknown(text: str) -> None:
    assert machine.judge_memory(text, "garbage").state is State.UNKNOWN


@pytest.mark.parametrize(
    ("measured", "zone", "state"),
    [
        ("temp=48.3'C", "", State.OK),
        ("temp=80.0'C", "", State.WARNING),
        ("temp=85.2'C", "", State.BAD),
        ("temp=-3.0'C", "", State.OK),
        ("", "51120", State.OK),
        ("", "81000", State.WARNING),
        # The firmware's answer cannot be used, the kernel's can.
        ('error=1 error_msg="Command not registered"', "51120", State.OK),
        ("temp=48", "", State.UNKNOWN),
        ("temp=999.0'C", "", State.UNKNOWN),
        ("VCHI initialization failed", "", State.UNKNOWN),
        ("", "", State.UNKNOWN),
        ("", "hot", State.UNKNOWN),
        ("", "-274000", State.UNKNOWN),
    ],
)
def test_temperature(measured: str, zone: str, state: State) -> None:
    assert machine.judge_temperature(measured, zone, 80).state is state


@pytest.mark.parametrize(
    ("throttled", "state", "words"),
    [
        ("throttled=0x0", State.OK, "has been good"),
        ("throttled=0x50005", State.BAD, "too low now"),
        ("throttled=0x50000", State.WARNING, "since the last boot"),
        # Slowed down by heat alone.
        ("throttled=0x80008", State.OK, "has been good"),
        ("throttled=", State.UNKNOWN, "cannot be read"),
        ("throttled=0xGG", State.UNKNOWN, "cannot be read"),
        ("0x50005", State.UNKNOWN, "cannot be read"),
        ("VCHI initialization failed", State.UNKNOWN, "cannot be read"),
        ("", State.UNKNOWN, "cannot be read"),
        (None, State.UNKNOWN, "only a Raspberry Pi"),
    ],
)
def test_power(throttled: str | None, state: State, words: str) -> None:
    found = machine.judge_power(throttled)
    assert found.state is state and words in found.text


@pytest.mark.parametrize("answer", [(255, "VCHI initialization failed"), (0, "\x00\x01"), (0, "")])
def test_nonsense_of_vcgencmd_is_unknown(tmp_path: Path, answer: tuple[int, str]) -> None:
    found = machine.read_board(environment(tmp_path, run=Commands({"vcgencmd": answer})))
    assert only(found, machine.POWER).state is State.UNKNOWN
    assert only(found, machine.TEMPERATURE).state is State.UNKNOWN


def test_a_vcgencmd_that_hangs_is_unknown(tmp_path: Path) -> None:
    def run(command: Any) -> Any:
        raise subprocess.TimeoutExpired(command, 15)

    assert only(machine.read_board(environment(tmp_path, run=run)), machine.POWER).state is State.UNKNOWN


def at(wall: float, since_boot: float, boot: str = BOOT) -> Moment:
    return Moment(wall, since_boot, boot)


@pytest.mark.parametrize(
    ("now", "last", "synchronised", "state", "words"),
    [
        (at(NOW, 900), at(NOW - 300, 600), True, State.OK, "synchronised"),
        (at(NOW, 900), None, True, State.OK, "synchronised"),
        (at(0, 900), None, True, State.BAD, "the year 1970"),
        (at(1_577_836_799, 900), None, True, State.BAD, "the year 2019"),
        (at(1_577_836_800, 900), None, True, State.OK, "synchronised"),
        (at(NOW, 900), at(NOW - 86400, 600), True, State.WARNING, "set forward by 86100 seconds"),
        (at(NOW, 900), at(NOW + 7200, 600), True, State.WARNING, "set back by 7500 seconds"),
        # The host was off meanwhile, or slept: both clocks went on, or it is another boot.
        (at(NOW, 100), at(NOW - 86400, 600, "another"), True, State.OK, "synchronised"),
        (at(NOW, 87000), at(NOW - 86400, 600), True, State.OK, "synchronised"),
        (at(NOW, 900), None, False, State.WARNING, "not synchronised"),
        (at(NOW, 900), None, None, State.UNKNOWN, "does not say"),
    ],
)
def test_clock(now: Moment, last: Moment | None, synchronised: bool | None, state: State, words: str) -> None:
    found = machine.judge_clock(now, last, synchronised)
    assert found.state is state and words in found.text


def test_the_kernel_is_asked_as_timedatectl_does() -> None:
    assert machine.synchronised() in (True, False)


@pytest.mark.parametrize(
    ("required", "modules", "state"),
    [
        (False, ["6.12.47"], State.OK),
        (False, [], State.OK),
        (True, ["6.12.47"], State.WARNING),
        (False, ["6.12.48"], State.WARNING),
    ],
)
def test_reboot(required: bool, modules: list[str], state: State) -> None:
    assert machine.judge_reboot(required=required, kernel="6.12.47", modules=modules).state is state


def test_a_mark_of_debian_is_found(tmp_path: Path) -> None:
    made = environment(tmp_path)
    (tmp_path / "top" / "lib" / "modules" / os.uname().release).mkdir(parents=True)
    assert only(machine.read(made), machine.REBOOT).state is State.OK
    (tmp_path / "top" / "run").mkdir()
    (tmp_path / "top" / "run" / "reboot-required").touch()
    assert only(machine.read(made), machine.REBOOT).state is State.WARNING
