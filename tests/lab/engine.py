# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that calls the docker command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topology import LABEL

BUILD = Path(__file__).resolve().parents[2] / "build"
FOLDER = BUILD / "lab"


class LabError(Exception):
    """Something in the lab did not work; the text says what was tried and what came back."""


def run(*command: str, stdin: str | None = None, timeout: int = 600) -> str:
    """Run a program and return what it printed. Raises LabError when it fails."""
    try:
        process = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=timeout)
    except FileNotFoundError as error:
        raise LabError(f"{command[0]} is not installed on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(command)[:300]}: no end after {timeout} s") from error
    if process.returncode != 0:
        raise LabError(f"{' '.join(command)[:300]}: {process.stderr.strip() or process.stdout.strip()}")
    return process.stdout


def docker(*arguments: str, stdin: str | None = None) -> str:
    return run("docker", *arguments, stdin=stdin)


def inspect(kind: str, name: str) -> dict[str, Any] | None:
    """Return what Docker says of an object, or None when there is none of that name."""
    process = subprocess.run(["docker", kind, "inspect", name], capture_output=True, text=True, check=False, timeout=60)
    return dict(json.loads(process.stdout)[0]) if process.returncode == 0 else None


def running(name: str) -> bool:
    found = inspect("container", name)
    return bool(found and found["State"]["Running"])


def labelled(kind: str, label: str = LABEL) -> list[str]:
    """Names or ids of all objects of a kind (container, network, volume, image) with a label."""
    arguments = ["--all"] if kind == "container" else []
    return docker(kind, "ls", *arguments, "--quiet", "--filter", f"label={label}").split()


def network(name: str, subnet: str, *options: str) -> None:
    if inspect("network", name) is None:
        docker("network", "create", "--label", LABEL, "--subnet", subnet, *options, name)


def create(name: str, image: str, *options: str, command: Sequence[str] = (), keep: bool = False) -> bool:
    """Make a container that is not there yet, or whose image was built anew; says whether it was made.

    ``keep`` is for a container that holds work: an old image is no reason to take it away.
    """
    if found := inspect("container", name):
        wanted = inspect("image", image)
        if keep or (wanted and wanted["Id"] == found["Image"]):
            return False
        remove(name)
    short = name.rsplit("-", 1)[-1]
    docker("create", "--name", name, "--hostname", short, "--label", LABEL, *options, image, *command)
    return True


def remove(name: str) -> None:
    """Remove a container and its volumes, if it is there."""
    if inspect("container", name) is not None:
        docker("rm", "--force", "--volumes", name)


def in_namespaces(name: str, *command: str, stdin: str | None = None) -> str:
    """Run a command inside a container by nsenter.

    Unlike ``docker exec`` it needs nothing of the engine, and gets through while systemd is still starting.
    """
    found = inspect("container", name)
    if found is None or not found["State"]["Running"]:
        raise LabError(f"container {name} does not run; see: python tests/lab status")
    namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]
    target = ["nsenter", "--target", str(found["State"]["Pid"]), *namespaces, "--root", "--wd=/"]
    return run(*target, *command, stdin=stdin)


def write(path: Path, text: str, *, mode: int = 0o644) -> bool:
    """Write a file of the lab unless it holds this text already; says whether it was written."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(text, encoding="utf-8")
    return True
