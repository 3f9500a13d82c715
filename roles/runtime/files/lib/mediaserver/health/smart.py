# SPDX-License-Identifier: GPL-3.0-or-later
"""What the media disk says of itself (SMART), through the usual USB bridges.

The verdict alone is no evidence: a disk that loses sectors passes until its maker's limit. Source of the form:
smartctl --json of smartmontools 7.4 (its own test outputs and smartctl(8)).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mediaserver.health.disk import block_device
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, Value, bad, ok, unknown, warning

CHECK = "disk-smart"
# Without a type smartctl recognises most bridges; then SAT with both lengths, JMicron's old one, bridges of NVMe.
TYPES = ("", "sat", "sat,12", "usbjmicron", "sntjmicron", "sntasmedia", "sntrealtek")
SECTORS = "mediaserver_disk_bad_sectors"
TEMPERATURE = "mediaserver_disk_temperature_celsius"
# Attribute numbers of ATA, and what they count.
REALLOCATED, PENDING, UNCORRECTABLE = 5, 197, 198
NAMES = {REALLOCATED: "reallocated", PENDING: "pending", UNCORRECTABLE: "uncorrectable"}
REMEDY = "make a backup of what you cannot replace, and replace the disk soon"
ASLEEP = "STANDBY mode"
NOT_READ = "SMART cannot be read: the USB adapter or the disk does not support it, so its health is not known"


def read(environment: Environment) -> list[Finding]:
    device = whole_disk(environment, environment.settings.data)
    if not device:
        return [unknown(CHECK, "the data is not on a disk whose device can be found")]
    if device.startswith("mmcblk"):
        return [unknown(CHECK, "the data is on an SD card, which has no SMART")]
    for kind in TYPES:
        # A disk that sleeps is left asleep.
        command = ["smartctl", "--json", "--nocheck=standby", "--info", "--health", "--attributes"]
        command += ["--device", kind] * bool(kind) + [f"/dev/{device}"]
        try:
            answer = environment.run(command).stdout
        except FileNotFoundError:
            return [unknown(CHECK, "smartctl is not installed", "run the playbook again: make site")]
        if ASLEEP in answer:
            return [unknown(CHECK, "the disk is asleep, and is not woken for this")]
        found = judge(answer)
        if found is not None:
            return [found]
    return [unknown(CHECK, NOT_READ)]


def whole_disk(environment: Environment, path: Path) -> str:
    """Return the kernel's name of the disk that holds a path, such as sda for sda1; empty for none."""
    name = block_device(environment, path.stat().st_dev)
    if not name:
        return ""
    link = environment.top / "sys/class/block" / name
    parent = link.resolve().parent.name if (link / "partition").exists() else name
    return parent if re.fullmatch(r"[a-z]+[a-z0-9]*", parent) else ""


def judge(answer: str) -> Finding | None:
    """Judge what smartctl prints; None where it has not read the disk. Pure."""
    try:
        data = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    ata, nvme = data.get("ata_smart_attributes"), data.get("nvme_smart_health_information_log")
    if isinstance(ata, dict) and isinstance(ata.get("table"), list):
        return _ata(data, ata["table"])
    if isinstance(nvme, dict):
        return _nvme(data, nvme)
    return None


def _ata(data: Mapping[str, Any], table: Sequence[Any]) -> Finding | None:
    counted = {number: count for number, count in map(_attribute, table) if number in NAMES and count is not None}
    if not counted and _passed(data) is None:
        return None
    values = [Value(SECTORS, count, (("kind", NAMES[number]),)) for number, count in counted.items()] + _heat(data)
    lost = [f"{count} {NAMES[number]}" for number, count in counted.items() if count]
    if _passed(data) is False:
        return bad(CHECK, f"the disk says that it is failing{f' ({_joined(lost)})' if lost else ''}", REMEDY, *values)
    if counted.get(PENDING) or counted.get(UNCORRECTABLE):
        return bad(CHECK, f"the disk has {_joined(lost)}: data may be lost", REMEDY, *values)
    if lost:
        return warning(CHECK, f"the disk has {_joined(lost)}: it begins to fail", REMEDY, *values)
    return ok(CHECK, "the disk has no bad sectors", *values)


def _joined(lost: Sequence[str]) -> str:
    return f"{', '.join(lost)} sectors"


def _attribute(row: Any) -> tuple[int, int | None]:
    """Return number and count of a line. A raw value may hold more than the count, which comes first in its text."""
    try:
        found = re.match(r"\d+", str(row["raw"]["string"]))
        count = int(found[0]) if found else None
        return int(row["id"]), count if count is not None and count < 2**32 else None
    except (KeyError, TypeError, ValueError):
        return -1, None


def _nvme(data: Mapping[str, Any], log: Mapping[str, Any]) -> Finding | None:
    flags, used, errors = (_number(log, key) for key in ("critical_warning", "percentage_used", "media_errors"))
    if flags is None and _passed(data) is None:
        return None
    values = _heat(data)
    if flags or _passed(data) is False:
        return bad(CHECK, f"the disk says that it is failing (critical_warning {flags})", REMEDY, *values)
    if errors:
        return warning(CHECK, f"the disk has had {errors} errors that it could not correct", REMEDY, *values)
    if used is not None and used >= 90:
        return warning(CHECK, f"{used} % of the disk's rated life are used", REMEDY, *values)
    return ok(CHECK, "the disk has no errors", *values)


def _passed(data: Mapping[str, Any]) -> bool | None:
    found = data.get("smart_status")
    passed = found.get("passed") if isinstance(found, dict) else None
    return passed if isinstance(passed, bool) else None


def _number(data: Mapping[str, Any], key: str) -> int | None:
    found = data.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _heat(data: Mapping[str, Any]) -> list[Value]:
    found = data.get("temperature")
    heat = _number(found, "current") if isinstance(found, dict) else None
    return [] if heat is None or heat > 150 else [Value(TEMPERATURE, heat)]
