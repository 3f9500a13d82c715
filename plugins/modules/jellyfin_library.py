#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jellyfin_library
short_description: Manage libraries of a Jellyfin server
version_added: 0.1.0
description:
  - Brings the listed libraries of a running server to the wanted folders and options. Other libraries are not changed,
    but a folder must not be in two libraries.
  - Jellyfin stores a library's folders in two lists and accepts duplicates. Duplicates, paths with a trailing slash,
    and folders in only one of the lists are repaired.
  - A new library and an added folder are scanned at once, because Jellyfin watches only folders that it has scanned.
    It skips empty folders; with a dot file in the folder it finds the first film without a full scan.
  - Works with Jellyfin 10.11 and 12.0.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  # Before _attributes, because the first fragment with action_group wins.
  - household.mediaserver._jellyfin
  - household.mediaserver._attributes
  - household.mediaserver._jellyfin.api_key
attributes:
  check_mode:
    support: full
    details: When no server listens yet, it predicts the creation of everything that is wanted.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  libraries:
    description: The libraries, in any order.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the library. Jellyfin makes a folder with this name, so characters that are not valid in a folder's
            name are rejected. So is a name that differs from that of another library only in case.
        type: str
        required: true
      type:
        description: Type of content. A library that the server lists without a type is V(mixed).
        type: str
        choices: [movies, tvshows, music, musicvideos, homevideos, boxsets, books, mixed]
      paths:
        description:
          - All folders of the library, as paths in the server's container. They must exist.
          - Folders that are not listed are removed from the library; files on the disk are not changed. A folder cannot
            be in two libraries or inside a folder of another library.
        type: list
        elements: str
      options:
        description:
          - Wanted values of C(LibraryOptions), by the names of the server's API, like C(EnableRealtimeMonitor). Names
            and types are checked before anything is written. Other values, and those set to V(null), are not changed.
          - Lists are replaced as a whole, and their order counts; objects in lists must be given with all their keys.
          - C(EnableRealtimeMonitor) of an existing library takes effect only after a full scan, which the module
            starts.
        type: dict
        default: {}
      state:
        description: Whether the library exists. V(present) needs O(libraries[].type) and O(libraries[].paths).
        type: str
        choices: [present, absent]
        default: present
  allow_removal:
    description: Remove libraries with O(libraries[].state=absent). Without it, such a library is an error.
    type: bool
    default: false
  allow_type_change:
    description:
      - Delete a library with another type than the wanted one and recreate it, because Jellyfin cannot change the type.
        Without it, another type is an error.
      - Metadata of the items is lost, such as edited images and texts, and possibly watched marks. Files on the disk
        are not changed.
      - The options are kept, unless the server fails between the two steps; then the error lists the lost options.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Configure two libraries
  household.mediaserver.jellyfin_library:
    api_key_file: /etc/mediaserver/jellyfin-api-key
    libraries:
      - name: Movies
        type: movies
        paths: [/media/movies]
        options:
          EnableRealtimeMonitor: true
      - name: TV
        type: tvshows
        paths: [/media/tv, /media/old-tv]

- name: Remove a library
  household.mediaserver.jellyfin_library:
    api_key_file: /etc/mediaserver/jellyfin-api-key
    libraries:
      - name: Books
        state: absent
    allow_removal: true
"""

RETURN = r"""
changes:
  description:
    - Changes that were made, or would be in check mode, by library, or by library and name of the option.
    - C(before) is V(null) for a library that did not exist; paths show both of Jellyfin's lists where they differed.
  returned: success
  type: dict
  sample: {"Movies.options.EnableRealtimeMonitor": {"before": false, "after": true}}
actions:
  description: Actions that were done, or would be in check mode, in their order.
  returned: success
  type: list
  elements: str
  sample: ["write options of Movies: EnableRealtimeMonitor", "scan all libraries"]
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.library import JellyfinLibraries, present
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.library_model import TYPES, parse_wanted
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.module import (
    API_KEY,
    ONE_KEY,
    make_client,
    syncing,
    use_key,
)

LIBRARY: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": list(TYPES)},
    "paths": {"type": "list", "elements": "str"},
    "options": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
SPEC: dict[str, dict[str, t.Any]] = {
    **API_KEY,
    "libraries": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": LIBRARY,
        "required_if": [("state", "present", ("type", "paths"))],
    },
    "allow_removal": {"type": "bool", "default": False},
    "allow_type_change": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, **ONE_KEY)
    options = module.params
    try:
        client = make_client(module, "jellyfin_library", time)
        with syncing(module, client):
            result = JellyfinLibraries(
                client,
                parse_wanted(options["libraries"]),
                allow_removal=options["allow_removal"],
                allow_type_change=options["allow_type_change"],
                timeout=options["timeout"],
                check_mode=module.check_mode,
                authorise=lambda: use_key(module, client),
            ).run()
    except MediaserverError as error:
        module.fail_json(msg=f"Jellyfin's libraries: {error}")
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**present(result))


if __name__ == "__main__":
    main()
