# SPDX-License-Identifier: GPL-3.0-or-later
"""A host for the tests of the command ``mediaserver``: its context, and a run whose JSON is held to the schema."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
from mediaserver._core.docker import DockerClient, Row
from mediaserver._core.errors import DockerError
from mediaserver.command.frame import Context, Outcome, Subcommand

NOW = 1_800_000_000.0


class Programs:
    """Stands for the programs that are run: code and output, by the beginning of the command line."""

    def __init__(self, answers: Mapping[str, tuple[int, str]] | None = None) -> None:
        self.answers = dict(answers or {})
        self.calls: list[str] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        line = " ".join(command)
        self.calls.append(line)
        # The most specific one.
        key = max((key for key in self.answers if line.startswith(key)), key=len, default=None)
        code, text = (0, "") if key is None else self.answers[key]
        return subprocess.CompletedProcess(list(command), code, text, "")


class Docker(DockerClient):
    """An engine with these containers and images; ``silent`` is why it does not answer."""

    def __init__(self, *rows: Row, images: Mapping[str, Row] | None = None, silent: str = "") -> None:
        super().__init__()
        self.rows, self.images, self.silent = rows, dict(images or {}), silent

    def containers(self, *labels: str) -> list[Row]:
        if self.silent:
            raise DockerError(self.silent)
        own = [{f"{name}={value}" for name, value in row["Labels"].items()} for row in self.rows]
        return [row for row, given in zip(self.rows, own, strict=True) if given.issuperset(labels)]

    def get(self, path: str, **query: Any) -> Any:
        del query
        return self.images.get(path.removeprefix("/images/").removesuffix("/json"))


def container(service: str, state: str = "running", status: str = "Up 5 minutes (healthy)") -> Row:
    labels = {"com.docker.compose.project": "mediaserver", "com.docker.compose.service": service}
    return {
        **{"Id": f"id-{service}", "Names": [f"/mediaserver-{service}-1"], "Labels": labels, "State": state},
        **{"Status": status, "Image": f"example/{service}:1", "ImageID": f"sha256:{service}"},
    }


def make_context(root: Path, **changes: Any) -> Context:
    """Return a context whose files are below ``root``, and whose programs and Docker are doubles."""
    settings = {"address_page": "http://page.example/", "verify_target": "192.0.2.1", "data": str(root / "data")}
    (root / "data").mkdir(exist_ok=True)
    (root / "command.json").write_text(json.dumps({**settings, "state": str(root / "state")}))
    made = Context(
        root,
        state_file=root / "vpn.json",
        run=Programs(),
        replace_process=lambda command: None,
        docker=Docker,
        now=lambda: NOW,
        uid=lambda: 0,
    )
    return replace(made, **changes)


def run(subcommand: Subcommand, context: Context, *arguments: str) -> Outcome:
    """Run a subcommand; its data must survive JSON and match its schema."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    subcommand.add_arguments(parser)
    outcome = subcommand.run(parser.parse_args(arguments), context)
    jsonschema.validate(json.loads(json.dumps(outcome.data)), dict(subcommand.SCHEMA))
    return outcome


def update_result(news: Sequence[str], checked: str) -> dict[str, Any]:
    """Return a stored result of `mediaserver updates`, for two images of which the first one has two services."""
    services = (["vpn", "wireguard"], ["jellyfin"])
    return {
        "checked": checked,
        "images": [
            {"image": "o/x:1", "services": names, "news": one, "newer": "", "beyond": "", "digest": "", "why": ""}
            for names, one in zip(services, news, strict=True)
        ],
    }
