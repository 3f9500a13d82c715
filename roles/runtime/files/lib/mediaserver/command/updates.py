# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver updates``: whether the registries have newer images than this host."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaserver._core import files
from mediaserver._core.docker import SERVICE_LABEL, DockerClient, label
from mediaserver._core.errors import DockerError, FileProblem, InvalidValue, reason
from mediaserver._core.names import PROJECT
from mediaserver._registry import reference
from mediaserver._registry.line import Judgement, News
from mediaserver.command import words
from mediaserver.command.frame import Context, Exit, Outcome, list_schema, object_schema

IMAGES = "images.json"  # below the project folder: the image of each service, and its line
RESULT = "updates.json"  # below the state folder: the result of the last time
DAEMON_SETTINGS = Path("/etc/docker/daemon.json")
# Docker asks registries on this host without TLS, whatever its settings say.
LOOPBACK = ("127.", "localhost")

NAME = "updates"
HELP = "say whether newer images of the services are available (sudo)"
DESCRIPTION = (
    "Asks the registry of each image for newer tags in its line, and for another digest of the same tag. Nothing is\n"
    "pulled or changed. A newer tag comes with the collection, or by the image's variable in the inventory. A timer\n"
    "runs this once a day; --stored shows its last result without asking a registry, and without sudo."
)
EXIT_CODES: Mapping[int, str] = {
    Exit.OK: "every image is the newest of its line",
    Exit.ATTENTION: "an update is available, or an image could not be checked",
}
IMAGE = object_schema(
    {
        "image": {"type": "string", "description": "reference, as in the compose file"},
        "services": list_schema({"type": "string"}),
        "news": {"enum": [str(one) for one in News]},
        "newer": {"type": "string", "description": "the newest tag in the image's line; empty without one"},
        "beyond": {"type": "string", "description": "the newest tag beyond the line, which is a decision of its own"},
        "digest": {"type": "string", "description": "of the tag in the registry now; empty where it is not known"},
        "why": {"type": "string", "description": "why it is unknown"},
    }
)
SCHEMA = object_schema(
    {
        "checked": {"type": "string", "description": "when the registries were asked, ISO 8601"},
        "images": list_schema(IMAGE),
    }
)


@dataclass(frozen=True)
class Used:
    """An image of the compose file: its line, and the services that use it."""

    image: str
    line: str
    services: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stored", action="store_true", help="show the last result, and ask no registry")


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    path = context.settings.state / RESULT
    if arguments.stored:
        found = stored(path)
        if found is None:
            raise FileProblem(f"{path} does not exist or is damaged; run: sudo mediaserver updates")
        return _outcome(found, context)
    context.require_root(NAME)
    found = ask(context)
    # The result is shown in any case: a full disk is reported by the health check.
    with contextlib.suppress(OSError):
        files.write(path, json.dumps(found, indent=2) + "\n", mode=0o644)
    return _outcome(found, context)


def stored(path: Path) -> dict[str, Any] | None:
    """Return the last result as ``SCHEMA`` describes it; None for a file that is absent or damaged."""
    try:
        found = json.loads(files.read(path) or "")
        images = [{name: found_of(one, name) for name in IMAGE["properties"]} for one in found["images"]]
        return {"checked": str(found["checked"]), "images": images}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def with_news(found: Mapping[str, Any], *wanted: News) -> list[str]:
    """Return the services whose images have such news in a result. Pure."""
    return [name for one in found["images"] if one["news"] in wanted for name in one["services"]]


def found_of(image: Mapping[str, Any], name: str) -> Any:
    """Return one field of a stored image. Raises KeyError, TypeError, ValueError."""
    value = image[name]
    if name == "services":
        return [str(one) for one in value]
    return str(News(value)) if name == "news" else str(value)


def ask(context: Context) -> dict[str, Any]:
    """Ask the registries. Raises FileProblem."""
    # `mediaserver status` reads the stored result, and starts faster without these.
    from mediaserver._core.transport import UrlHttp  # noqa: PLC0415
    from mediaserver._registry.client import RegistryClient  # noqa: PLC0415
    from mediaserver._registry.news import Image, news  # noqa: PLC0415

    used = list(_used(context.root / IMAGES))
    digests = _digests(context, used)
    images = [Image(one.image, one.line, digests.get(one.image, ())) for one in used]
    client = RegistryClient(UrlHttp(), time, insecure=insecure({one.image for one in used}, DAEMON_SETTINGS))
    judged = news(client, images, time)
    return {
        "checked": words.moment(context.now()),
        "images": [_as_json(one, judged[one.image]) for one in used],
    }


def _used(path: Path) -> Iterator[Used]:
    """Yield each image once. Raises FileProblem."""
    try:
        found = json.loads(files.read(path) or "")
        rows = [(str(row["image"]), str(row["line"]), str(row["service"])) for row in found]
        if not rows:
            raise ValueError
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {reason(error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise FileProblem(f"{path} does not exist or is damaged; run the playbook again") from error
    for image in dict.fromkeys(row[0] for row in rows):
        yield Used(
            image,
            next(line for name, line, _service in rows if name == image),
            tuple(service for name, _line, service in rows if name == image),
        )


def _digests(context: Context, used: Sequence[Used]) -> dict[str, set[str]]:
    """Return the digests of the images that run here, by reference; of an image without a container, of its file.

    Without Docker nothing is known, and only newer tags are news.
    """
    found: dict[str, set[str]] = {}
    with contextlib.suppress(DockerError):
        docker = context.docker()
        running = {label(row, SERVICE_LABEL): str(row["ImageID"]) for row in docker.services(PROJECT)}
        for one in used:
            names = {running.get(service, one.image) for service in one.services}
            found[one.image] = {digest for name in names for digest in _digests_of(docker, name, one.image)}
    return found


def _digests_of(docker: DockerClient, name: str, image: str) -> set[str]:
    try:
        repository = reference.parse(image)
    except InvalidValue:
        return set()
    known = (docker.get(f"/images/{name}/json") or {}).get("RepoDigests") or ()
    return {str(one).partition("@")[2] for one in known if reference.same_repository(str(one), repository)}


def insecure(images: set[str], settings: Path) -> set[str]:
    """Return the registries that Docker on this host asks without TLS."""
    try:
        listed = json.loads(files.read(settings) or "{}").get("insecure-registries") or []
        named = {str(one) for one in listed}
    except (OSError, ValueError, AttributeError, TypeError):
        named = set()
    hosts = set()
    for image in images:
        with contextlib.suppress(InvalidValue):
            hosts.add(reference.parse(image).host)
    return {host for host in hosts if host in named or host.startswith(LOOPBACK)}


def _as_json(used: Used, judged: Judgement) -> dict[str, Any]:
    return {
        "image": used.image,
        "services": list(used.services),
        "news": str(judged.news),
        "newer": judged.newer,
        "beyond": judged.beyond,
        "digest": judged.digest,
        "why": judged.why,
    }


def _outcome(found: Mapping[str, Any], context: Context) -> Outcome:
    images = found["images"]
    checked = words.parse(found["checked"])
    lines = [_line(one) for one in sorted(images, key=lambda one: (one["news"] == News.CURRENT, one["image"]))]
    if checked is not None:
        lines.append(f"checked {words.readable(checked, context.now())}")
    waits = any(one["news"] != News.CURRENT for one in images)
    return Outcome(found, lines, Exit.ATTENTION if waits else Exit.OK)


def _line(one: Mapping[str, Any]) -> str:
    texts = {
        News.NEWER: f"{one['newer']} is available",
        News.REBUILT: "the same tag has been built again",
        News.CURRENT: "current",
        News.UNKNOWN: f"unknown: {one['why']}",
    }
    beyond = f"; beyond its line there is {one['beyond']}" if one["beyond"] else ""
    return f"{', '.join(one['services'])}: {one['image']}: {texts[News(one['news'])]}{beyond}"
