# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Docker: by its SDK what is there, by its command line what is done; no other file of the lab does.

The command line stays for calls with options that the callers write (create, run, network create), for exec with
standard input, whose streams the SDK does not close one by one, and for build, import and push, whose progress the SDK
returns as a stream that every caller would have to read and judge.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from topology import LABEL

BUILD = Path(__file__).resolve().parents[2] / "build"
FOLDER = BUILD / "lab"
# A container mounts the files of the checkout that created it.
FOLDER_LABEL = f"{LABEL}.folder"
WITH_LABEL = {"label": LABEL}
API_TIMEOUT_S = 60
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


_clients = threading.local()


def api() -> Any:
    """Return the SDK's low-level client, whose answers are those of Docker's API; one for each thread."""
    if not hasattr(_clients, "api"):
        # Here, because parts of the lab's code are tested without it.
        from docker import from_env

        with _errors("connect"):
            _clients.api = from_env(timeout=API_TIMEOUT_S).api
    return _clients.api


@contextlib.contextmanager
def _errors(what: str) -> Iterator[None]:
    from docker.errors import DockerException

    try:
        yield
    except DockerException as error:
        raise LabError(f"docker: {what}: {error}") from error


def inspect(kind: str, name: str) -> dict[str, Any] | None:
    """Return what Docker knows of a container, image or network; None when it does not exist."""
    from docker.errors import NotFound

    with _errors(f"inspect {kind} {name}"):
        try:
            return dict(getattr(api(), f"inspect_{kind}")(name))
        except NotFound:
            return None


def running(name: str) -> bool:
    found = inspect("container", name)
    return bool(found and found["State"]["Running"])


def labelled(kind: str) -> list[str]:
    """Ids of all objects of a kind (network, image) that carry the lab's label."""
    with _errors(f"list {kind}s"):
        return [row["Id"] for row in getattr(api(), f"{kind}s")(filters=WITH_LABEL)]


def remove_images() -> None:
    """Remove all images with the lab's label. Raises LabError when a container uses one of them."""
    while left := labelled("image"):
        with _errors("remove images"):
            # An image that others were built from goes in a later round than they.
            pruned = api().prune_images(filters={**WITH_LABEL, "dangling": False})
        if not pruned["ImagesDeleted"]:
            raise LabError(f"docker: remove images: something uses {', '.join(left)}; see: docker ps --all")


class LabContainer(NamedTuple):
    """A container of a lab on this machine; ``folder`` is its checkout's build/lab, empty when it has no such label."""

    name: str
    runs: bool
    folder: str


def lab_containers() -> list[LabContainer]:
    """Every container that carries the lab's label, whichever checkout made it."""
    with _errors("list containers"):
        rows = api().containers(all=True, filters=WITH_LABEL)
    return [
        LabContainer(row["Names"][0].lstrip("/"), row["State"] == "running", row["Labels"].get(FOLDER_LABEL, ""))
        for row in rows
    ]


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
    from docker.errors import NotFound

    with _errors(f"remove {name}"), contextlib.suppress(NotFound):
        api().remove_container(name, v=True, force=True)


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
