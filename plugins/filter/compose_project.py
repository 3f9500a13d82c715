# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compose project of a household."""

from __future__ import annotations

DOCUMENTATION = r"""
name: compose_project
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: The compose file and .env of a household
description: Writes the services that P(household.mediaserver.services#filter) returns as compose reads them.
positional: values, limits, entrypoints
options:
  _input:
    description: What P(household.mediaserver.services#filter) takes.
    type: dict
    required: true
  values:
    description: The variables that C(placeholders) of P(household.mediaserver.services#filter) names, with values.
    type: dict
    required: true
  limits:
    description: Memory ceilings by service, in compose's notation; V(none) where the kernel cannot enforce any.
    type: dict
    required: true
  entrypoints:
    description: Entries of P(household.mediaserver.folder_entries#lookup) for the entry points, for their digests.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the lines of .env
  ansible.builtin.debug:
    msg: "{{ (given | household.mediaserver.compose_project(values, none, entrypoints)).env_file }}"
"""

RETURN = r"""
_value:
  description: The texts of both files, and what follows from them.
  type: dict
  contains:
    compose:
      description: The compose file.
      type: str
      sample: "name: mediaserver"
    env_file:
      description: The file C(.env).
      type: str
      sample: TZ=Etc/UTC
    env:
      description: The lines of C(.env).
      type: dict
      sample: {TZ: Etc/UTC}
    other_folders:
      description: Folders of the host that containers use, below neither C(mediaserver_root) nor C(mediaserver_data).
      type: list
      elements: str
      sample: []
    images:
      description: The image of each service, and the line of tags that it follows.
      type: list
      elements: dict
      sample: [{service: jellyfin, image: "jellyfin/jellyfin:10.11.11", line: "=.=.*"}]
  sample:
    env: {TZ: Etc/UTC}
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue


def compose_project(
    given: Mapping[str, Any],
    values: Mapping[str, Any],
    limits: Mapping[str, Any] | None,
    entrypoints: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the texts of the compose file and .env. Raises AnsibleFilterError that names what is missing."""
    # Here, because Ansible loads every filter of the collection in each process that uses one of them.
    from ansible_collections.household.mediaserver.plugins.module_utils._services.render import (  # noqa: PLC0415
        rendered,
    )
    from ansible_collections.household.mediaserver.plugins.plugin_utils import _services_file  # noqa: PLC0415

    try:
        return rendered(_services_file.read(), given, values, limits, entrypoints)
    except (InvalidValue, ValueError) as error:
        raise AnsibleFilterError(f"compose_project: {error}") from error


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"compose_project": compose_project}
