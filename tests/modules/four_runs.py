# SPDX-License-Identifier: GPL-3.0-or-later
"""Each behaviour of a module is shown four times: check, real, check, real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import playbook
import yaml

STEPS = ("check", "real", "check again", "real again")


@dataclass(frozen=True)
class Four:
    """What the module answered each time."""

    answers: list[dict[str, Any]]

    @property
    def first(self) -> dict[str, Any]:
        """What the real run answered that had something to do."""
        return self.answers[1]

    def changes_once(self) -> dict[str, Any]:
        """Check foretold what the run then did, and afterwards there was nothing to do; return the run's answer."""
        assert [answer["changed"] for answer in self.answers] == [True, True, False, False], self.answers
        assert self.answers[0].get("changes") == self.answers[1].get("changes")
        assert self.answers[0].get("diff") == self.answers[1].get("diff")
        return self.first

    def fails(self) -> str:
        """It was refused every time, check or not; return what it said."""
        assert all(answer.get("failed") for answer in self.answers), self.answers
        said = {answer["msg"] for answer in self.answers}
        assert len(said) == 1, said
        return str(said.pop())

    def reports_damage(self, host: Any, path: str) -> None:
        """It was refused every time for a damaged file, of which the real runs kept a copy, one for both."""
        assert all(answer.get("failed") for answer in self.answers), self.answers
        said = [answer["msg"] for answer in self.answers]
        assert all(f"{path} is damaged: it is " in text for text in said), said
        assert [f"kept as {path}.damaged-" in text for text in said] == [False, True, False, True], said
        assert kept_aside(host, path) == [host.file(path).content_string]


Show = Callable[..., Four]


def kept_aside(host: Any, path: str) -> list[str]:
    """Return the contents of all copies that were kept of a damaged file."""
    folder, name = path.rsplit("/", 1)
    copies = [one for one in sorted(host.file(folder).listdir()) if one.startswith(f"{name}.damaged-")]
    return [host.file(f"{folder}/{one}").content_string for one in copies]


def play(inventory: str, folder: Path, tasks: list[dict[str, Any]], *extra: str) -> list[dict[str, Any]]:
    """Run tasks on the Pi; return their answers. A task that fails does not end the play."""
    document = [{"hosts": "mediaserver", "become": True, "gather_facts": False, "tasks": tasks}]
    path = folder / "play.yml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    found = playbook.run(inventory, "--diff", *extra, playbook=path)
    assert len(found.tasks) == len(tasks), found.text
    return [task.result for task in found.tasks]


def show(inventory: str, folder: Path, module: str, options: Mapping[str, Any]) -> Four:
    """Run ``household.mediaserver.<module>`` four times."""
    tasks = [
        {
            "name": step,
            f"household.mediaserver.{module}": dict(options),
            "check_mode": step.startswith("check"),
            "ignore_errors": True,  # judged by the test, which sees every answer
        }
        for step in STEPS
    ]
    return Four(play(inventory, folder, tasks))
