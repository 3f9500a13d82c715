# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook and returns the results of its tasks."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "playbooks" / "site.yml"
COLLECTION = ("household", "mediaserver")


@dataclass(frozen=True)
class Task:
    """The result of one task on one host."""

    name: str
    role: str
    result: dict[str, Any]

    @property
    def skipped(self) -> bool:
        return bool(self.result.get("skipped"))

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))


@dataclass(frozen=True)
class Run:
    """One run of a playbook on one host."""

    tasks: list[Task]
    stats: dict[str, int]
    seconds: float
    text: str = field(repr=False)

    @property
    def ok(self) -> bool:
        return bool(self.stats) and not self.stats["failures"] and not self.stats["unreachable"]

    @property
    def changed(self) -> list[Task]:
        return [task for task in self.tasks if task.changed]

    @property
    def failures(self) -> str:
        """The results of failed tasks, or the whole output when no task failed."""
        failed = [json.dumps(task.result, indent=1) for task in self.tasks if task.failed]
        return "\n".join(failed) or self.text


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment in which playbooks find this checkout as the collection."""
    tree = ROOT / "build" / "collections"
    link = tree / "ansible_collections" / COLLECTION[0] / COLLECTION[1]
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT)
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(tree)),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        **(extra or {}),
    }


def command(inventory: str, *arguments: str, playbook: Path = SITE) -> list[str]:
    """Return the command line of a run."""
    return ["ansible-playbook", "--inventory", inventory, *arguments, str(playbook)]


def run(inventory: str, *arguments: str, playbook: Path = SITE, env: Mapping[str, str] | None = None) -> Run:
    """Run ``playbook``; a failure is in the result and raises nothing."""
    settings = environment({"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", **(env or {})})
    line = command(inventory, *arguments, playbook=playbook)
    started = time.monotonic()
    process = subprocess.run(line, env=settings, cwd=ROOT, capture_output=True, text=True, check=False)
    return parse(process.stdout, process.stderr, time.monotonic() - started)


def parse(output: str, errors: str, seconds: float) -> Run:
    """Parse the JSON callback's output; other output gives a result without tasks."""
    start = output.find("{")
    try:
        report = json.loads(output[start:]) if start >= 0 else {}
    except ValueError:
        report = {}
    tasks = [
        Task(task["task"]["name"], _role(task["task"]["name"]), result)
        for play in report.get("plays", [])
        for task in play["tasks"]
        for result in task["hosts"].values()
    ]
    stats: dict[str, int] = next(iter(report.get("stats", {}).values()), {})
    return Run(tasks, stats, seconds, output + errors)


def _role(name: str) -> str:
    return name.split(" : ", maxsplit=1)[0].rsplit(".", 1)[-1] if " : " in name else ""


def count_remote_executions(inventory: str, folder: Path, arguments: Sequence[str] = ()) -> tuple[Run, int]:
    """Run the site over plain SSH; return the result and the number of remote executions.

    Each execution on the host is one call of ssh, which a wrapper script counts.
    """
    tally = folder / "calls"
    tally.write_bytes(b"")
    wrapper = folder / "ssh"
    wrapper.write_text(f'#!/bin/sh\nprintf . >> "{tally}"\nexec ssh "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    result = run(inventory, *arguments, env={"ANSIBLE_SSH_EXECUTABLE": str(wrapper)})
    return result, tally.stat().st_size
