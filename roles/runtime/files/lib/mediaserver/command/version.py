# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver version``: the collection's version, and the image of each container."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import mediaserver
from mediaserver._core.docker import SERVICE_LABEL, DockerClient, Row, label
from mediaserver._core.errors import DockerError
from mediaserver._core.names import PROJECT
from mediaserver.command.frame import Context, Outcome, list_schema, object_schema

NAME = "version"
HELP = "the version of the collection, and the images of the containers"
DESCRIPTION = (
    "Shows the version of the collection household.mediaserver that has installed this host, and for each service the\n"
    "image that its container was made from: reference and digest in the registry. The images are known to root only."
)
EXIT_CODES: Mapping[int, str] = {}
IMAGE = object_schema(
    {
        "service": {"type": "string"},
        "image": {"type": "string", "description": "reference, as in the compose file"},
        "id": {"type": "string", "description": "digest of the image's configuration"},
        "digests": list_schema({"type": "string"}, description="digests in registries; empty for a local image"),
    }
)
SCHEMA = object_schema(
    {
        "version": {"type": "string", "description": "of the collection"},
        "images": {**list_schema(IMAGE), "type": ["array", "null"], "description": "null where they cannot be read"},
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    del arguments
    lines = [f"household.mediaserver {mediaserver.VERSION}"]
    try:
        images = [_image(context.docker(), row) for row in context.docker().services(PROJECT)]
    except DockerError as error:
        why = str(error) if context.is_root else "run: sudo mediaserver version"
        return Outcome({"version": mediaserver.VERSION, "images": None}, [*lines, f"images are not shown: {why}"])
    images.sort(key=lambda one: str(one["service"]))
    lines += [f"{one['service']:<14} {(one['digests'] or [one['image'] + ' ' + one['id']])[0]}" for one in images]
    return Outcome({"version": mediaserver.VERSION, "images": images}, lines)


def _image(docker: DockerClient, row: Row) -> dict[str, Any]:
    found = docker.get(f"/images/{row['ImageID']}/json") or {}
    return {
        "service": label(row, SERVICE_LABEL),
        "image": str(row["Image"]),
        "id": str(row["ImageID"]),
        "digests": [str(one) for one in found.get("RepoDigests") or ()],
    }
