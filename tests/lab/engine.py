# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the docker command line; no other file of the lab does."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from topology import LABEL

BUILD = Path(__file__).resolve().parents[2] / "build"
FOLDER = BUILD / "lab"
# A container mounts the files of the checkout that created it.
FOLDER_LABEL = f"{LABEL}.folder"
OURS = ("--label", LABEL, "--label", f"{FOLDER_LABEL}={FOLDER}")


class LabError(Exception):
    """An operation of the lab failed; the text names the operation and its output."""


def run(*command: str, stdin: str | None = None, timeout: int = 600) -> str:
    """Run a program and return its standard output. Raises LabError when it fails or exceeds ``timeout`` seconds."""
    try:
        process = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=timeout)
    except FileNotFoundError as error:
        raise LabError(f"{command[0]} is not installed on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(command)[:300]}: it has not ended after {timeout} s") from error
    if process.returncode != 0:
        raise LabError(f"{' '.join(command)[:300]}: {process.stderr.strip() or process.stdout.strip()}")
    return process.stdout


def docker(*arguments: str, stdin: str | None = None) -> str:
    return run("docker", *arguments, stdin=stdin)


def inspect(kind: str, name: str) -> dict[str, Any] | None:
    """Return the output of ``docker inspect`` for an object, None when it does not exist."""
    process = subprocess.run(["docker", kind, "inspect", name], capture_output=True, text=True, check=False, timeout=60)
    return dict(json.loads(process.stdout)[0]) if process.returncode == 0 else None


def running(name: str) -> bool:
    found = inspect("container", name)
    return bool(found and found["State"]["Running"])


def labelled(kind: str) -> list[str]:
    """Ids of all objects of a kind (network, image) that carry the lab's label."""
    return docker(kind, "ls", "--quiet", "--filter", f"label={LABEL}").split()


class LabContainer(NamedTuple):
    """A container of a lab on this machine; ``folder`` is its checkout's build/lab, empty when it has no such label."""

    name: str
    runs: bool
    folder: str


def lab_containers() -> list[LabContainer]:
    """Every container that carries the lab's label, whichever checkout made it."""
    columns = f'{{{{.Names}}}}\t{{{{.State}}}}\t{{{{.Label "{FOLDER_LABEL}"}}}}'
    listed = docker("ps", "--all", "--filter", f"label={LABEL}", "--format", columns)
    rows = (line.split("\t") for line in listed.splitlines())
    return [LabContainer(name, state == "running", folder) for name, state, folder in rows]


def network(name: str, subnet: str, *options: str) -> None:
    if inspect("network", name) is None:
        docker("network", "create", "--label", LABEL, "--subnet", subnet, *options, name)


def create(name: str, image: str, *options: str, command: Sequence[str] = (), keep: bool = False) -> bool:
    """Create a container that is missing or whose image has changed; return whether it was created.

    ``keep`` keeps an existing container whose image has changed.
    """
    if found := inspect("container", name):
        wanted = inspect("image", image)
        if keep or (wanted and wanted["Id"] == found["Image"]):
            return False
        remove(name)
    short = name.rsplit("-", 1)[-1]
    docker("create", "--name", name, "--hostname", short, *OURS, *options, image, *command)
    return True


def remove(name: str) -> None:
    """Remove a container and its volumes, if it exists."""
    if inspect("container", name) is not None:
        docker("rm", "--force", "--volumes", name)


def in_namespaces(name: str, *command: str, stdin: str | None = None) -> str:
    """Run a command in a container's namespaces with nsenter, which works while systemd is still starting."""
    found = inspect("container", name)
    if found is None or not found["State"]["Running"]:
        raise LabError(f"container {name} does not run; see: python tests/lab status")
    namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]
    target = ["nsenter", "--target", str(found["State"]["Pid"]), *namespaces, "--root", "--wd=/"]
    return run(*target, *command, stdin=stdin)


def write(path: Path, text: str, *, mode: int = 0o644) -> bool:
    """Write a file of the lab unless it has this content already; return whether it was written."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(text, encoding="utf-8")
    return True
