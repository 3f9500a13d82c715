# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module four times: in check mode and really, then both again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import playbook
import yaml

STEPS = ("check", "real", "check again", "real again")


@dataclass(frozen=True)
class FourRuns:
    """The results of the four runs."""

    answers: list[dict[str, Any]]

    @property
    def first(self) -> dict[str, Any]:
        """The result of the first real run."""
        return self.answers[1]

    def assert_changes_once(self) -> dict[str, Any]:
        """Assert that check mode predicted the first real run, and that the last two change nothing.

        Return the result of the first real run.
        """
        assert [answer["changed"] for answer in self.answers] == [True, True, False, False], self.answers
        assert self.answers[0].get("changes") == self.answers[1].get("changes")
        assert self.answers[0].get("diff") == self.answers[1].get("diff")
        return self.first

    def assert_fails(self) -> str:
        """Assert that all four runs failed with the same message; return it."""
        assert all(answer.get("failed") for answer in self.answers), self.answers
        messages = {answer["msg"] for answer in self.answers}
        assert len(messages) == 1, messages
        return str(messages.pop())

    def assert_reports_damage(self, host: Any, path: str) -> None:
        """Assert that all runs failed because of a damaged file, and that the real runs kept one copy of it."""
        assert all(answer.get("failed") for answer in self.answers), self.answers
        messages = [answer["msg"] for answer in self.answers]
        assert all(f"{path} is damaged: it is " in text for text in messages), messages
        assert [f"kept as {path}.damaged-" in text for text in messages] == [False, True, False, True], messages
        assert kept_aside(host, path) == [host.file(path).content_string]


RunFourTimes = Callable[..., FourRuns]


def kept_aside(host: Any, path: str) -> list[str]:
    """Return the contents of all copies of a damaged file."""
    folder, name = path.rsplit("/", 1)
    copies = [one for one in sorted(host.file(folder).listdir()) if one.startswith(f"{name}.damaged-")]
    return [host.file(f"{folder}/{one}").content_string for one in copies]


def run_tasks(inventory: str, folder: Path, tasks: list[dict[str, Any]], *extra: str) -> list[dict[str, Any]]:
    """Run tasks on the Pi; return their results. A task with ignore_errors does not end the play."""
    document = [{"hosts": "mediaserver", "become": True, "gather_facts": False, "tasks": tasks}]
    path = folder / "play.yml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    found = playbook.run(inventory, "--diff", *extra, playbook=path)
    assert len(found.tasks) == len(tasks), found.text
    return [task.result for task in found.tasks]


def run(inventory: str, folder: Path, module: str, options: Mapping[str, Any]) -> FourRuns:
    """Run ``household.mediaserver.<module>`` four times."""
    tasks = [
        {
            "name": step,
            f"household.mediaserver.{module}": dict(options),
            "check_mode": step.startswith("check"),
            "ignore_errors": True,  # the test checks every result
        }
        for step in STEPS
    ]
    return FourRuns(run_tasks(inventory, folder, tasks))
