#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jellyfin_library
short_description: Keep libraries of a Jellyfin server
version_added: 0.1.0
description:
  - Brings the listed libraries of a running server to the wanted folders and options. Libraries that are not listed
    are looked at, so that no folder gets into two, and left alone.
  - Jellyfin keeps a library's folders twice, and accepts the same one any number of times. Doubles, spellings with a
    slash at the end, and folders that are in one place only are repaired.
  - A new library, and a folder that is added, are scanned at once, because Jellyfin watches only what it has scanned.
    It skips empty folders; a dot file in the folder makes it see the very first film without a full scan.
  - Works with Jellyfin 10.11 and 12.0.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  # Before _attributes: the first one that says which groups wins.
  - household.mediaserver._jellyfin
  - household.mediaserver._attributes
  - household.mediaserver._jellyfin.api_key
attributes:
  check_mode:
    support: full
    details: Where nobody listens yet, it foretells that everything wanted is made.
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
          - Name of the library, as it is shown. Jellyfin makes a folder of it, so signs that no folder may have are
            refused, and so is a name that differs from that of another library in upper and lower case alone.
        type: str
        required: true
      type:
        description: What the library holds. A library for which the server tells no type counts as V(mixed).
        type: str
        choices: [movies, tvshows, music, musicvideos, homevideos, boxsets, books, mixed]
      paths:
        description:
          - All its folders, as the server sees them; in a container, that is the path inside. They must exist.
          - Folders that are not listed are taken out of the library; nothing on the disk is touched. A folder cannot be
            in two libraries, nor lie in that of another.
        type: list
        elements: str
      options:
        description:
          - Wanted values of C(LibraryOptions) as the server's own API names them, like C(EnableRealtimeMonitor). Names
            and types are checked before anything is written. All others are left alone; V(null) leaves a value alone.
          - Lists are replaced as a whole, and their order counts; objects in lists must be given with all their keys.
          - C(EnableRealtimeMonitor) switched on in a library that exists works only after a full scan, so one is asked
            for.
        type: dict
        default: {}
      state:
        description: Whether the library is there. V(present) needs O(libraries[].type) and O(libraries[].paths).
        type: str
        choices: [present, absent]
        default: present
  allow_removal:
    description: Remove libraries that are wanted absent. Without it, one that is there is an error.
    type: bool
    default: false
  allow_type_change:
    description:
      - Delete a library of another type than the wanted one and make it anew, because Jellyfin cannot change the type.
      - What Jellyfin knew of its items goes, like changed pictures and texts, and perhaps what was watched. Files on
        the disk are not touched. Without it, another type is an error.
      - Its options stay, unless the server fails between the two steps; then the error names those that were lost.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Keep two libraries
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

- name: Do without a library
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
    - What was changed, or would be in check mode, by library, or by library and name of the option.
    - Before is V(null) for a library that was not there; paths show both of Jellyfin's lists where they disagreed.
  returned: success
  type: dict
  sample: {"Movies.options.EnableRealtimeMonitor": {"before": false, "after": true}}
actions:
  description: The steps taken, or foretold in check mode, in their order.
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
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, **ONE_KEY)
    options = module.params
    try:
        client = make_client(module, "jellyfin_library", time)
        with syncing(module, client):
            outcome = JellyfinLibraries(
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
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**present(outcome))


if __name__ == "__main__":
    main()
