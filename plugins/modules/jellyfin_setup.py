#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jellyfin_setup
short_description: Complete the wizard of a new Jellyfin server and manage its administrator and an API key
version_added: 0.1.0
description:
  - Waits until the server is C(Healthy), completes its first-run wizard if it is open, and ensures that a file contains
    a valid API key.
  - Until the wizard is completed, every client that reaches the server's port can complete it. Run this module before
    the port is open to others.
  - Completes an unfinished wizard. After the wizard is completed, its answers (O(server_name) and the options after it)
    are not used again; M(household.mediaserver.jellyfin_settings) changes them.
  - While O(api_key_file) contains a valid key, the module manages the administrator with it, without the old password.
    The account O(username) exists, is enabled, is administrator and has O(password). Accounts with other names are
    neither renamed nor removed; other administrators are listed in a warning.
  - Otherwise the module logs in, looks for a key with the name O(app_name), creates it if needed, writes the file and
    logs out.
  - Works with Jellyfin 10.11 and 12.0.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  # Before _attributes, because the first fragment with action_group wins.
  - household.mediaserver._jellyfin
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: full
    details:
      - Without a valid key it does not log in, so a wrong password is not detected, and RV(api_key_created) may be
        unknown.
      - Does not check O(password) when another failed login would disable the account; it returns a warning.
      - When no server listens yet, it predicts the changes to a new server.
  diff_mode:
    support: full
    details: The key is not shown.
  idempotent:
    support: full
options:
  username:
    description:
      - Name of the administrator. The wizard creates the account; later, the module creates it with the API key when
        it is missing. Letters, digits, blanks and C(-'._@+).
    type: str
    required: true
  password:
    description:
      - Password of the administrator. Also used to log in when the key file has no valid key.
    type: str
    required: true
  update_password:
    description:
      - When the password of an existing account is set to O(password). To check it, V(always) logs in once in each run,
        check mode included, and ends that session. Jellyfin's activity log shows the login. A wrong password counts as
        a failed login, and a new password ends all sessions of the account.
      - A disabled account gets the password when it is enabled, without a check.
      - An account that may not log in now, because of limited devices, sessions or hours, keeps its password, with a
        warning.
    type: str
    choices:
      always: Whenever the password differs.
      on_create: Only when the account is created.
    default: always
    version_added: 0.1.0
  other_administrators:
    description: Names of further wanted administrators, which are left out of the warning about other administrators.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  server_name:
    description: Name of the server in clients. The server's default when not given.
    type: str
  ui_culture:
    description: Language of the server's user interface, like V(en-US) or V(de).
    type: str
  metadata_country:
    description: Country for titles and age ratings, as a code of two letters (ISO 3166-1), like V(US).
    type: str
  metadata_language:
    description: Language for titles and descriptions, as a code of two letters (ISO 639-1), like V(en).
    type: str
  remote_access:
    description: Whether the server accepts connections from addresses outside its own network.
    type: bool
    default: true
  app_name:
    description: Name of the API key in Jellyfin's dashboard.
    type: str
    default: household.mediaserver
  api_key_file:
    description: File on the managed host for the API key. Replaced atomically, mode V(0600). Its folder must exist.
    type: path
    required: true
  owner:
    description: Owner of O(api_key_file), name or uid. Not managed when empty.
    type: str
    default: ""
  group:
    description: Group of O(api_key_file), name or gid. Not managed when empty.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Complete Jellyfin's first-run wizard
  household.mediaserver.jellyfin_setup:
    username: family
    password: "{{ jellyfin_password }}"
    server_name: Living room
    metadata_country: US
    metadata_language: en
    api_key_file: /etc/mediaserver/jellyfin-api-key
"""

RETURN = r"""
wizard_completed:
  description: Whether the first-run wizard is completed, or would be in check mode.
  returned: success
  type: bool
  sample: true
wizard_run:
  description: Whether this run completed the wizard, or would in check mode.
  returned: success
  type: bool
  sample: false
api_key_created:
  description: Whether a key was created. V(null) in check mode when that is known only after a login.
  returned: success
  type: bool
  sample: false
api_key_written:
  description: Whether the content of the key file was written, or would be in check mode.
  returned: success
  type: bool
  sample: false
administrator_changes:
  description:
    - Changes of the administrator's account by the API key, or that it would make in check mode. C(account) when it was
      created, otherwise any of C(IsAdministrator), C(IsDisabled) and C(password).
  returned: success
  type: list
  elements: str
  sample: [IsDisabled, password]
server_version:
  description: Version of the server; empty in check mode when no server listens.
  returned: success
  type: str
  sample: 12.0.0
server_id:
  description: Id of the server; empty in check mode when no server listens.
  returned: success
  type: str
  sample: 1034d0d695cd4645a4af34cc71a42dbc
server_name:
  description: Public name of the server.
  returned: success
  type: str
  sample: Living room
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.administrator import WantedAdministrator
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.key_file import KeyFile
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.module import (
    SERVER,
    make_client,
    sync_changes,
    syncing,
)
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.setup import JellyfinSetup, present
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.wizard import WizardAnswers

SPEC: dict[str, dict[str, t.Any]] = {
    **SERVER,
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
    "other_administrators": {"type": "list", "elements": "str", "default": []},
    "server_name": {"type": "str"},
    "ui_culture": {"type": "str"},
    "metadata_country": {"type": "str"},
    "metadata_language": {"type": "str"},
    "remote_access": {"type": "bool", "default": True},
    "app_name": {"type": "str", "default": "household.mediaserver"},
    "api_key_file": {"type": "path", "required": True, "no_log": False},
    "owner": {"type": "str", "default": ""},
    "group": {"type": "str", "default": ""},
}
ANSWERS = ("server_name", "ui_culture", "metadata_country", "metadata_language", "remote_access")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    options = module.params
    try:
        client = make_client(module, "jellyfin_setup", time)
        with syncing(module, client):
            result = JellyfinSetup(
                client,
                answers=WizardAnswers(
                    options["username"], options["password"], **{name: options[name] for name in ANSWERS}
                ),
                administrator=WantedAdministrator(
                    options["username"],
                    options["password"],
                    always_password=options["update_password"] == "always",
                    others=tuple(options["other_administrators"]),
                ),
                app_name=options["app_name"],
                file=KeyFile(options["api_key_file"], owner=options["owner"], group=options["group"]),
                timeout=options["timeout"],
                check_mode=module.check_mode,
                hide=module.no_log_values.add,
                sync=lambda: sync_changes(module, client),
            ).run()
    except MediaserverError as error:
        module.fail_json(msg=f"Jellyfin's set-up: {error}")
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**present(result))


if __name__ == "__main__":
    main()
