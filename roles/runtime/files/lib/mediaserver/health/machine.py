# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine: memory, temperature and power of a Raspberry Pi, clock, a reboot that is due."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime

from mediaserver._core.clock import FIRST_YEAR
from mediaserver.health.environment import Environment, Moment
from mediaserver.health.model import Finding, Value, bad, ok, unknown, warning

MEMORY, TEMPERATURE, POWER, CLOCK, REBOOT = "memory", "temperature", "power", "clock", "reboot"
CHECKS, BOARD_CHECKS = (MEMORY, CLOCK, REBOOT), (TEMPERATURE, POWER)
AVAILABLE, STALLED = "mediaserver_memory_available_ratio", "mediaserver_memory_stalled_ratio"
HEAT = "mediaserver_temperature_celsius"
# The clock of a host that boots without internet is corrected later, once.
STEP_S = 60.0
# Part of the last five minutes in which all processes waited for memory.
STALLED_WARNING, STALLED_BAD = 0.05, 0.3
AVAILABLE_WARNING = 0.05
THROTTLED_AT = 85
# Bits of `vcgencmd get_throttled`.
# Source: https://www.raspberrypi.com/documentation/computers/os.html#get_throttled.
LOW_NOW, SLOW_NOW, LOW_SINCE_BOOT = 1 << 0, 1 << 2, 1 << 16
# adjtimex(2) reports an error of 16 s where the clock is not synchronised, as timedatectl reads it.
NOT_SYNCHRONISED_US = 16_000_000
SUPPLY = "use the power supply of the Raspberry Pi; give a USB disk a supply of its own"
COOL = "give the Pi a heat sink or a fan, and free its case"


def read(environment: Environment) -> list[Finding]:
    """What the kernel says."""
    return [
        judge_memory(environment.text("proc/meminfo"), environment.text("proc/pressure/memory")),
        judge_clock(environment.now, environment.last, synchronised()),
        judge_reboot(
            required=(environment.top / "run/reboot-required").exists(),
            kernel=os.uname().release,
            modules=[path.name for path in environment.top.glob("lib/modules/*")],
        ),
    ]


def read_board(environment: Environment) -> list[Finding]:
    """What the board says, in part by a program of its own, which may hang with the firmware."""
    zone = environment.text("sys/class/thermal/thermal_zone0/temp")
    return [
        judge_power(_vcgencmd(environment, "get_throttled")),
        judge_temperature(_vcgencmd(environment, "measure_temp") or "", zone, environment.settings.temperature_warning),
    ]


def _vcgencmd(environment: Environment, what: str) -> str | None:
    """Return what the firmware answers; None on another machine than a Raspberry Pi."""
    try:
        done = environment.run(["vcgencmd", what])
    except FileNotFoundError:
        return None
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def judge_memory(meminfo: str, pressure: str) -> Finding:
    """Pure."""
    sizes: Mapping[str, int] = {
        name: int(size) for name, size in re.findall(r"^(MemTotal|MemAvailable):\s+(\d+) kB$", meminfo, re.MULTILINE)
    }
    if not sizes.get("MemTotal") or "MemAvailable" not in sizes:
        return unknown(MEMORY, "the kernel does not say how much memory is available")
    available = sizes["MemAvailable"] / sizes["MemTotal"]
    values = [Value(AVAILABLE, round(available, 4))]
    # The kernel of a Raspberry Pi measures pressure only with psi=1.
    waited = re.search(r"^full .*\bavg300=(\d+\.\d+)", pressure, re.MULTILINE)
    stalled = float(waited[1]) / 100 if waited else 0.0
    values += [Value(STALLED, round(stalled, 4))] if waited else []
    text = f"{available:.0%} of the memory are available"
    remedy = "see what needs it: sudo docker stats --no-stream; set stack_memory_limits, or play fewer things at once"
    if stalled >= STALLED_BAD:
        return bad(MEMORY, f"{text}; for {stalled:.0%} of the time, everything waits for memory", remedy, *values)
    if stalled >= STALLED_WARNING or available < AVAILABLE_WARNING:
        return warning(MEMORY, text, remedy, *values)
    return ok(MEMORY, text, *values)


def judge_temperature(measured: str, zone: str, warn_at: int) -> Finding:
    """Judge the firmware's answer, such as temp=48.3'C, or the kernel's in thousandths. Pure."""
    found = re.fullmatch(r"temp=(-?\d{1,3}(?:\.\d+)?)'C", measured)
    if found:
        heat = float(found[1])
    elif re.fullmatch(r"-?\d{1,6}", zone):
        heat = int(zone) / 1000
    else:
        return unknown(TEMPERATURE, "this host does not say how warm it is")
    if not -40 <= heat <= 150:
        return unknown(TEMPERATURE, f"the sensor says {heat:g} degrees, which is not plausible")
    text, value = f"the processor has {heat:.0f} degrees", Value(HEAT, heat)
    if heat >= THROTTLED_AT:
        return bad(TEMPERATURE, f"{text}, so it is slowed down", COOL, value)
    return (warning(TEMPERATURE, text, COOL, value)) if heat >= warn_at else ok(TEMPERATURE, text, value)


def judge_power(throttled: str | None) -> Finding:
    """Judge the firmware's answer, such as throttled=0x50005; None where there is no such firmware. Pure."""
    if throttled is None:
        return unknown(POWER, "only a Raspberry Pi measures its supply")
    found = re.fullmatch(r"throttled=0x([0-9a-fA-F]{1,8})", throttled)
    if not found:
        return unknown(POWER, "the firmware's answer about the supply cannot be read (vcgencmd get_throttled)")
    bits = int(found[1], 16)
    if bits & LOW_NOW:
        return bad(POWER, "the supply's voltage is too low now", SUPPLY)
    if bits & LOW_SINCE_BOOT:
        return warning(POWER, "the supply's voltage has been too low since the last boot", SUPPLY)
    return ok(POWER, "the supply's voltage has been good since the last boot")


def judge_clock(now: Moment, last: Moment | None, synchronised: bool | None) -> Finding:
    """Pure."""
    remedy = "see: timedatectl; synchronise it: sudo timedatectl set-ntp true"
    year = datetime.fromtimestamp(now.wall, UTC).year
    if year < FIRST_YEAR:
        return bad(CLOCK, f"the clock shows the year {year}, so no certificate is valid", remedy)
    if last is not None and last.boot_id == now.boot_id:
        step = (now.wall - last.wall) - (now.since_boot - last.since_boot)
        if abs(step) > STEP_S:
            way = "forward" if step > 0 else "back"
            return warning(CLOCK, f"the clock was set {way} by {abs(step):.0f} seconds", remedy)
    if synchronised is False:
        return warning(CLOCK, "the clock is not synchronised with a time server", remedy)
    if synchronised is None:
        return unknown(CLOCK, "the kernel does not say whether the clock is synchronised")
    return ok(CLOCK, "the clock is synchronised")


def synchronised() -> bool | None:
    """Ask the kernel, as timedatectl does: its clock has an estimated error once a program has synchronised it."""
    # struct timex of a 64-bit system: modes, offset, freq, maxerror (adjtimex(2)); it is longer.
    buffer = (ctypes.c_long * 64)()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(buffer))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else buffer[3] < NOT_SYNCHRONISED_US


def judge_reboot(*, required: bool, kernel: str, modules: list[str]) -> Finding:
    """Judge by Debian's mark, and by the kernel that runs: after its removal, it can load no module. Pure."""
    remedy = "when it suits: sudo reboot"
    if required:
        return warning(REBOOT, "updates of the system need a reboot", remedy)
    if modules and kernel not in modules:
        return warning(REBOOT, "the kernel that runs was replaced by an update", remedy)
    return ok(REBOOT, "no reboot is due")
