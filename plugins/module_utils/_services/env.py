# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The file .env of a household: numbers and names that compose puts into the compose file. Pure."""

from __future__ import annotations

import re

from .model import Project, Service
from .registry import env_name
from .values import Values

HEADER = "# Managed by household.mediaserver. Nothing in this file is secret.\n"


def lines(project: Project, values: Values) -> dict[str, str]:
    """Return the lines as names and values, in their order. Raises InvalidValue for a variable without a value."""
    registry = project.registry
    shared = {name: values.text(value) for name, value in registry.env.items()}
    found: dict[str, str] = {}
    for one in project.services:
        found |= {port.env: str(port.host) for port in one.published if port.env}
        found |= {name: values.text(value) for name, value in one.env.items()}
        # What a household has written into its own service is no text of the registry.
        found[image_name(one)] = one.image if one.own else values.text(one.image)
    first = {name: found[name] for name in registry.env_order if name in found}
    return {**shared, **first, **found}


def text(named: dict[str, str]) -> str:
    return HEADER + "".join(f"{name}={value}\n" for name, value in named.items())


def image_name(one: Service) -> str:
    """Return the line that holds a service's image: named like the household's variable, or like the service."""
    variable = None if one.own else re.fullmatch("<([a-z_0-9]+)>", one.image)
    return env_name(variable[1]) if variable else f"{env_name(one.name)}_IMAGE"
