#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jellyfin_user
short_description: Manage accounts of a Jellyfin server
version_added: 0.1.0
description:
  - Brings the listed accounts of a running server to the wanted rights. Other accounts are not changed.
  - The case of names is ignored, as in Jellyfin.
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
    details:
      - When no server listens yet, it predicts the creation of every account. A missing library is only a warning,
        because an earlier task may create it.
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
        description: Name to log in with. Letters, digits, C(- ' . _ @ +) and blanks between them.
        type: str
        required: true
      password:
        description: Password; needed for an account that does not exist yet. Must not be empty.
        type: str
      update_password:
        description:
          - When O(users[].password) is set. To check it, V(always) logs in once with it and ends that session. A wrong
            password counts as a failed login, and a new password ends all sessions of the user.
          - An account that may not log in now, because of limited devices, sessions or hours, keeps its password, with
            a warning.
        type: str
        choices:
          on_create: Only when the account is created. The user may then choose another password.
          always: Whenever the password differs.
        default: on_create
      libraries:
        description: Names of the libraries that the account may access, in their exact spelling; all when omitted.
        type: list
        elements: str
      # Begin of what `make docs` writes from FIELDS in plugins/module_utils/_jellyfin/user_model.py.
      transcoding:
        description:
          - Whether the server may transcode video and audio for this account, C(EnableVideoPlaybackTranscoding) and
            C(EnableAudioPlaybackTranscoding). A Raspberry Pi is too slow for that. Not managed when omitted.
        type: bool
      # End of what `make docs` writes.
      administrator:
        description:
          - Whether the account is an administrator. When omitted, a new account is not, and an existing one is not
            changed. The last administrator can neither lose that right nor be removed.
        type: bool
      policy:
        description:
          - Wanted values of other keys of the account's C(UserPolicy), by the names of the server's API, like
            C(EnableContentDownloading). Names and types are checked before anything is written. Other keys, and those
            set to V(null), are not changed.
        type: dict
        default: {}
      state:
        description: Whether the account exists.
        type: str
        choices: [present, absent]
        default: present
  allow_removal:
    description:
      - Remove accounts with O(users[].state=absent), together with their watched marks. Without it, such an account is
        an error.
    type: bool
    default: false
notes:
  - Ansible logs a task's options on the managed host and does not mask a password in a list that is escaped there, such
    as one with a backslash or quotes. Set C(no_log) on a task with passwords.
"""

EXAMPLES = r"""
- name: Configure accounts for the household
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
    - Changes that were made, or would be in check mode, by account and key of its policy. Folders are ids of libraries.
    - Passwords are hidden. C(before) is V(null) for a value that did not exist.
  returned: success
  type: dict
  sample: {"children.policy.EnableContentDownloading": {"before": true, "after": false}}
actions:
  description: Actions that were done, or would be in check mode, in their order.
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
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user_model import FIELDS, parse_users

USER: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
    "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
    "libraries": {"type": "list", "elements": "str"},
    **{one.option: {"type": one.kind} for one in FIELDS},
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
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, **ONE_KEY)
    options = module.params
    try:
        client = make_client(module, "jellyfin_user", time)
        with syncing(module, client):
            result = JellyfinUsers(
                client,
                parse_users(options["users"]),
                allow_removal=options["allow_removal"],
                timeout=options["timeout"],
                check_mode=module.check_mode,
                authorise=lambda: use_key(module, client),
            ).run()
    except MediaserverError as error:
        module.fail_json(msg=f"Jellyfin's accounts: {error}")
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**present(result))


if __name__ == "__main__":
    main()
