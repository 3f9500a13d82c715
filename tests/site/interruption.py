# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the playbook that end in the middle, as by a power cut: no task and no always part runs after that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import playbook

CALLBACKS = Path(__file__).parent / "callbacks"
# Ends the module that stops a container, while Docker stops it: the container stays stopped, its file is the old one.
# With pipelining, a module is a Python without arguments.
KILL_MODULE = (
    "rm -f /run/abort-events; "
    "docker events --filter event=kill --filter container={name} --format x >/run/abort-events & events=$!; "
    "until [ -s /run/abort-events ]; do sleep 0.02; done; "
    "pkill --signal KILL --exact --full '/usr/bin/python3'; kill $events"
)


def aborted(inventory: str, *arguments: str, before: str, book: Path = playbook.SITE) -> playbook.Run:
    """Run the playbook until this task; empty: until a task fails."""
    given = {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "abort",
        "ABORT_BEFORE": before,
    }
    result = playbook.run(inventory, *arguments, playbook=book, env=given)
    where = f"before {before}" if before else "at the first failure"
    assert f"aborted {where}" in result.text, f"the run has not come so far: {result.failures}"
    return result


def aborted_while_stopping(host: Any, inventory: str, container: str, *arguments: str) -> None:
    """Run the playbook until it stops this container, and end it there."""
    watching = threading.Thread(target=lambda: host.run(f"timeout 120 sh -c '{_quoted(container)}'"))
    watching.start()
    try:
        aborted(inventory, *arguments, before="")
    finally:
        watching.join(timeout=130)


def _quoted(container: str) -> str:
    return KILL_MODULE.replace("{name}", container).replace("'/usr/bin/python3'", "/usr/bin/python3")


def until(condition: Callable[[], bool], what: str, patience: float = 60.0) -> None:
    """Wait for a condition; fail with ``what`` when it does not hold in time."""
    waited = threading.Event()
    for _round in range(int(patience)):
        if condition():
            return
        waited.wait(1.0)
    raise AssertionError(f"not after {patience:g} s: {what}")
