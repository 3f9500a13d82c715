# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Renders a household's compose file and .env, after its own services were validated. Pure."""

from __future__ import annotations

import os
import typing as t

from . import env, ways
from .compose import Compose
from .fault import VARIABLE, Household
from .model import Registry
from .project import project
from .secret_digest import digests, of_registry
from .validate import require
from .values import Values


def rendered(
    registry: Registry,
    given: t.Mapping[str, t.Any],
    values: t.Mapping[str, t.Any],
    limits: t.Mapping[str, t.Any] | None,
    entrypoints: t.Iterable[t.Mapping[str, t.Any]],
) -> dict[str, t.Any]:
    """Return the texts of both files and what follows from them. Raises InvalidValue or ValueError for what is wrong.

    ``registry`` is what the data file of the services says. The other arguments are those of the filter
    compose_project.
    """
    files = {os.path.basename(entry["path"]): entry["content"] for entry in entrypoints if "content" in entry}
    found, known, listed = project(registry, given), Values(values), given.get(VARIABLE) or []
    # A play without preflight comes here as well. Whether a port is forwarded is not known here.
    root, data = str(given.get("mediaserver_root")), str(given.get("mediaserver_data"))
    address = str(values.get("mediaserver_bind_address") or ways.EVERY_ADDRESS)
    require(listed, Household(found, root, data, bind_address=address, natpmp=True))
    secrets = {**digests(listed), **of_registry(found.services, known.get)}
    compose = Compose(found, known, limits=limits, files=files, secrets=secrets)
    lines = env.lines(found, known)
    return {
        "compose": compose.text(),
        "env_file": env.text(lines),
        "env": lines,
        "other_folders": compose.other_folders(),
        "images": [
            {"service": one.name, "image": lines[env.image_name(one)], "line": one.line} for one in found.services
        ],
    }
