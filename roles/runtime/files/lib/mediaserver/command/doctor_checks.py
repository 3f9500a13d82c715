# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of ``mediaserver doctor``. Each returns what it found; it reads, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mediaserver._core.docker import SERVICE_LABEL, Row, label
from mediaserver._core.errors import DockerError
from mediaserver._core.names import (
    BARRIER_UNIT,
    DOCKER_UNIT,
    IMPORT_PATH_UNIT,
    IMPORT_TIMER_UNIT,
    IMPORT_UNIT,
    KEEPER_UNIT,
    MONITOR_UNIT,
    PROJECT,
    STACK_UNIT,
)
from mediaserver._core.notify_urls import shown
from mediaserver.command import disk_space, download_state, vpn_state
from mediaserver.command.frame import Context
from mediaserver.notify.sender import Sender
from mediaserver.notify.settings import NotifySettings

OK, FAILED, NOT_CHECKED = "ok", "failed", "not checked"
# Without a battery-backed clock, a Pi starts with an old date.
FIRST_YEAR = 2026
PLAYBOOK = "run the playbook again: make site"


@dataclass(frozen=True)
class Finding:
    """``result`` is one of the three above."""

    result: str
    text: str
    remedy: str = ""


def units(context: Context) -> Finding:
    wanted = [DOCKER_UNIT, BARRIER_UNIT, KEEPER_UNIT, STACK_UNIT, MONITOR_UNIT]
    if (context.root / download_state.SETTINGS).exists():
        wanted += [IMPORT_PATH_UNIT, IMPORT_TIMER_UNIT]
    answer = context.run(["systemctl", "is-active", *wanted]).stdout.splitlines()
    if len(answer) != len(wanted):
        return Finding(FAILED, f"systemd does not answer: {' '.join(answer)}", "restart the host: sudo reboot")
    down = {unit: state for unit, state in zip(wanted, answer, strict=True) if state != "active"}
    if not down:
        return Finding(OK, f"{len(wanted)} units are active")
    text = ", ".join(f"{unit} is {state}" for unit, state in down.items())
    first = next(iter(down))
    return Finding(
        FAILED, text, f"see why: sudo journalctl --unit {first}; then start it: sudo systemctl start {first}"
    )


def vpn(context: Context) -> Finding:
    found = vpn_state.observe(context)
    bypass, tunnel = found["bypass"], found["tunnel"]
    texts = [bypass["text"]] * (bypass["answer"] != "no") + [one["text"] for one in tunnel["problems"]]
    if tunnel["state"] != "online":
        texts.append(f"the tunnel is in state {tunnel['state'] or 'unknown'}")
    if texts:
        return Finding(
            FAILED, "; ".join(texts), "test it: sudo mediaserver verify; docs/troubleshooting.md has the codes"
        )
    return Finding(OK, f"the tunnel is up, and nothing bypasses it ({tunnel['peer']})")


def containers(context: Context) -> Finding:
    try:
        rows = context.docker().services(PROJECT)
    except DockerError as error:
        if context.is_root:
            return Finding(FAILED, str(error), f"see why: sudo journalctl --unit {DOCKER_UNIT}")
        return Finding(NOT_CHECKED, "containers are known to root only", "run: sudo mediaserver doctor")
    if not rows:
        return Finding(FAILED, "no service has a container", f"start them: sudo systemctl start {STACK_UNIT}")
    wrong = {label(row, SERVICE_LABEL): why for row in rows if (why := _trouble(row))}
    if not wrong:
        return Finding(OK, f"{len(rows)} containers run and are healthy")
    first = next(iter(wrong))
    return Finding(
        FAILED,
        ", ".join(f"{service} {why}" for service, why in sorted(wrong.items())),
        f"see why: sudo mediaserver logs {first}; vpn-monitor starts stopped ones by itself",
    )


def _trouble(row: Row) -> str:
    if row["State"] != "running":
        return f"is {row['State']}"
    return "is not healthy" if "(unhealthy)" in str(row.get("Status")) else ""


def disk(context: Context) -> Finding:
    found = disk_space.observe(context)
    texts = disk_space.attention(found)
    if any(one["problem"] or one["read_only"] for one in found["disk"]):
        return Finding(FAILED, "; ".join(texts), f"see whether the disk is connected: lsblk -f; then {PLAYBOOK}")
    if texts:
        # The media disk is the first one; a download that is deleted alone frees nothing.
        on_media = found["disk"][0]["low"]
        remedy = (
            "sudo mediaserver space lists what frees how much"
            if on_media
            else "sudo du -xh / | sort -h shows what uses it"
        )
        return Finding(FAILED, "; ".join(texts), f"make room: {remedy}")
    return Finding(OK, "; ".join(line.removeprefix("disk").strip() for line in disk_space.lines(found, context.now())))


def clock(context: Context) -> Finding:
    year = datetime.fromtimestamp(context.now(), UTC).year
    remedy = "synchronise it: sudo timedatectl set-ntp true; see: timedatectl"
    if year < FIRST_YEAR:
        return Finding(FAILED, f"the clock shows {year}, so certificates are not valid", remedy)
    answer = context.run(["timedatectl", "show", "--property=NTPSynchronized", "--value"]).stdout.strip()
    if answer == "no":
        return Finding(FAILED, "the clock is not synchronised with a time server", remedy)
    if answer != "yes":
        return Finding(NOT_CHECKED, "timedatectl does not say whether the clock is synchronised")
    return Finding(OK, "the clock is synchronised")


def downloads(context: Context) -> Finding:
    found = download_state.observe(context)
    texts = download_state.attention(found)
    waiting = len(found["downloads"]["waiting"])
    if texts:
        return Finding(FAILED, "; ".join(texts), f"see: sudo journalctl --unit {IMPORT_UNIT}")
    if found["downloads"]["import"] == "not set up":
        return Finding(OK, "downloads are not imported (upkeep_import)")
    return Finding(OK, f"the import runs; downloads that wait: {waiting}")


def notify_settings(context: Context) -> NotifySettings:
    """Raises FileProblem."""
    return NotifySettings.read(context.root)


def notifications(context: Context, sender: Sender | None = None) -> Finding:
    if not context.is_root:
        return Finding(NOT_CHECKED, "the addresses are known to root only", "run: sudo mediaserver doctor")
    urls = notify_settings(context).urls
    if not urls:
        return Finding(OK, "they are off (mediaserver_notify)")
    sender = sender or Sender()
    wrong = [f"{shown(number, url)}: {why}" for number, url in enumerate(urls, 1) if (why := sender.check(url))]
    if wrong:
        return Finding(FAILED, "; ".join(wrong), f"correct mediaserver_notify in the inventory, then {PLAYBOOK}")
    return Finding(OK, f"addresses that apprise can use: {len(urls)}; to test them: mediaserver doctor --notify-test")


CHECKS: Mapping[str, Callable[[Context], Finding]] = {
    "units": units,
    "vpn": vpn,
    "containers": containers,
    "disk": disk,
    "clock": clock,
    "downloads": downloads,
    "notifications": notifications,
}
