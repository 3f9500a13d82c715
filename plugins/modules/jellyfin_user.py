#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jellyfin_user
short_description: Keep accounts of a Jellyfin server
version_added: 0.1.0
description:
  - Brings the listed accounts of a running server to the wanted rights. Accounts that are not listed are left alone.
  - An account of the same name in upper or lower case is the same account, as it is for Jellyfin.
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
    details:
      - Where nobody listens yet, it foretells that every account is made. A library that is not there is a warning
        only, since an earlier task may make it.
  diff_mode:
    support: full
    details: Passwords are never shown.
  idempotent:
    support: full
    details: With O(users[].update_password=always), except for accounts that are disabled.
options:
  users:
    description: The accounts, in any order.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name to log in with, in any case. Letters, digits, blanks inside, and C(- ' . _ @ +).
        type: str
        required: true
      password:
        description: Password; needed for an account that is not there yet. An empty one is refused.
        type: str
      update_password:
        description:
          - When O(users[].password) is set. To know whether it is right already, V(always) logs in once with it and
            ends that session; a wrong one counts as a failed login, and a new one ends all of the user's sessions.
          - An account that may not log in now, because of its devices, sessions or hours, keeps its password, with a
            warning.
        type: str
        choices:
          on_create: When the account is made. The user may choose another.
          always: Whenever it is another one.
        default: on_create
      libraries:
        description: Names of the libraries that the account may see, as they are spelt; all when omitted.
        type: list
        elements: str
      transcoding:
        description:
          - Whether the server may convert video and audio for this account, C(EnableVideoPlaybackTranscoding) and
            C(EnableAudioPlaybackTranscoding). No Pi does that well. Left alone when omitted.
        type: bool
      administrator:
        description:
          - Whether the account may do everything. When omitted, a new account may not, and one that is there stays
            what it is. The last administrator can neither lose that right nor be removed.
        type: bool
      policy:
        description:
          - Wanted values of other keys of the account's C(UserPolicy) as the server's own API names them, like
            C(EnableContentDownloading). Names and types are checked before anything is written. All others are left
            alone; V(null) leaves a value alone.
        type: dict
        default: {}
      state:
        description: Whether the account is there.
        type: str
        choices: [present, absent]
        default: present
  allow_removal:
    description: Remove accounts that are wanted absent, with what they have watched. Without it, that is an error.
    type: bool
    default: false
notes:
  - Ansible logs a task's options on the managed host, and misses a password in a list that it writes there in another
    way, as it does one with a backslash or quotes. Set C(no_log) on a task that has any.
"""

EXAMPLES = r"""
- name: Keep accounts for the household
  household.mediaserver.jellyfin_user:
    api_key_file: /etc/mediaserver/jellyfin-api-key
    users:
      - name: parents
        password: "{{ vault_jellyfin_parents }}"
      - name: children
        password: "{{ vault_jellyfin_children }}"
        libraries: [Movies, Music]
        transcoding: false
        policy:
          EnableContentDownloading: false
  vars:
    vault_jellyfin_parents: choose-one-of-your-own
    vault_jellyfin_children: choose-another
"""

RETURN = r"""
changes:
  description:
    - What was changed, or would be in check mode, by account and key of its policy. Folders are ids of libraries.
    - Passwords are hidden, and before is V(null) where there was nothing.
  returned: success
  type: dict
  sample: {"children.policy.EnableContentDownloading": {"before": true, "after": false}}
actions:
  description: The steps taken, or foretold in check mode, in their order.
  returned: success
  type: list
  elements: str
  sample: ["create account children", "write policy of children"]
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.module import (
    API_KEY,
    ONE_KEY,
    make_client,
    syncing,
    use_key,
)
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user import JellyfinUsers, present
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user_model import (
    parse_users,
)

USER: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
    "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
    "libraries": {"type": "list", "elements": "str"},
    "transcoding": {"type": "bool"},
    "administrator": {"type": "bool"},
    "policy": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
SPEC: dict[str, dict[str, t.Any]] = {
    **API_KEY,
    "users": {"type": "list", "elements": "dict", "required": True, "options": USER},
    "allow_removal": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, **ONE_KEY)
    options = module.params
    try:
        client = make_client(module, "jellyfin_user", time)
        with syncing(module, client):
            outcome = JellyfinUsers(
                client,
                parse_users(options["users"]),
                allow_removal=options["allow_removal"],
                timeout=options["timeout"],
                check_mode=module.check_mode,
                authorise=lambda: use_key(module, client),
            ).run()
    except MediaserverError as error:
        module.fail_json(msg=f"Jellyfin's accounts: {error}")
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**present(outcome))


if __name__ == "__main__":
    main()
