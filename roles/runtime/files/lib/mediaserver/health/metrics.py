# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of one health check, for the text file collector of Prometheus' node exporter. Pure.

No sample has a timestamp of its own: node exporter drops a whole file that has one. When each check had its last answer
is a metric, because a file that is not written any more looks fresh otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mediaserver.health import backup, disk, image_updates, imports, jellyfin, machine, smart, transmission, vpn
from mediaserver.health.model import Finding, State, Value
from mediaserver.health.table import Check

FILE = "mediaserver.prom"
STATE, ANSWERED = "mediaserver_check_state", "mediaserver_check_last_run_timestamp_seconds"
RUN, DURATION = "mediaserver_health_last_run_timestamp_seconds", "mediaserver_health_duration_seconds"
NUMBERS = {State.OK: 0, State.WARNING: 1, State.BAD: 2, State.UNKNOWN: -1}
# All metrics and what they are. Every one is a gauge: a counter of the kernel begins again at a boot.
METRICS: Mapping[str, str] = {
    STATE: "State of a check: 0 ok, 1 warning, 2 bad, -1 unknown.",
    ANSWERED: "When a check was able to measure last.",
    RUN: "When the health check was made last.",
    DURATION: "How long the health check took.",
    vpn.TUNNEL_UP: "Whether the VPN tunnel is up.",
    vpn.DROPPED: "Packets that came past the inner barrier and were dropped by the outer one, since boot.",
    transmission.STOPPED_NUMBER: "Downloads that are stopped because the disk is nearly full.",
    jellyfin.CONVERTED: "Playbacks that Jellyfin converts.",
    disk.FREE: "Space that the services can use.",
    disk.TOTAL: "Size of a filesystem.",
    disk.INODES_USED: "Used part of the inodes.",
    disk.ERROR_NUMBER: "Errors that an ext4 filesystem has noted about itself.",
    disk.CARD_NUMBER: "Failed transfers of the SD card since boot.",
    smart.SECTORS: "Sectors that the media disk has lost or may lose.",
    smart.TEMPERATURE: "Temperature of the media disk.",
    imports.NUMBER: "Downloads that have not arrived in the library.",
    imports.OLDEST: "How long the oldest of them has waited.",
    imports.NOT_TAKEN: "Files in the watch folder that Transmission has not taken.",
    image_updates.WAITING: "Services with a newer image.",
    backup.AGE: "Age of the last backup, check or drill.",
    machine.AVAILABLE: "Available part of the memory.",
    machine.STALLED: "Part of the last five minutes in which everything waited for memory.",
    machine.HEAT: "Temperature of the processor.",
}


def render(
    findings: Sequence[Finding],
    checks: Mapping[str, Check],
    answered: Mapping[str, float],
    *,
    now: float,
    duration_s: float,
) -> str:
    """Return the text of the file."""
    values = [Value(RUN, round(now)), Value(DURATION, round(duration_s, 3))]
    for one in findings:
        labels = (("check", one.check), ("subject", checks[one.check].subject))
        values.append(Value(STATE, NUMBERS[one.state], labels))
        if one.check in answered:
            values.append(Value(ANSWERED, round(answered[one.check]), labels))
        values += one.values
    return "".join(f"{line}\n" for line in _lines(values))


def _lines(values: Sequence[Value]) -> Iterator[str]:
    for metric, text in METRICS.items():
        samples = {one.key: one for one in values if one.metric == metric}
        if samples:
            yield f"# HELP {metric} {text}"
            yield f"# TYPE {metric} gauge"
            yield from (f"{metric}{_labels(one)} {one.number:.15g}" for one in samples.values())


def _labels(value: Value) -> str:
    if not value.labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in value.labels) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
