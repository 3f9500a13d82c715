#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jellyfin_setup
short_description: Claim a new Jellyfin server and keep its administrator and an API key
version_added: 0.1.0
description:
  - Waits until the server is C(Healthy), completes its first-run wizard if nobody has, and sees to it that a file
    holds an API key that works.
  - Until the wizard is completed, everybody who reaches the server's port may complete it. Run this module before
    the port is open to others.
  - Finds a wizard that was left half-finished and goes on with it. Once the wizard is completed, its answers
    (O(server_name) and what follows) are not looked at again; M(household.mediaserver.jellyfin_settings) changes them.
  - While O(api_key_file) holds a key that works, that key keeps the administrator, without the old password. The
    account O(username) exists, is enabled, is administrator and has O(password). An account of another name is neither
    renamed nor removed; administrators that are not named here are listed in a warning.
  - Otherwise the module logs in, looks for a key of the name O(app_name), makes one if there is none, writes the file
    and logs out.
  - Works with Jellyfin 10.11 and 12.0.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  # Before _attributes: the first one that says which groups wins.
  - household.mediaserver._jellyfin
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: full
    details:
      - Without a key that works it does not log in, so a wrong password is not noticed, and RV(api_key_created) may be
        unknown.
      - Does not try O(password) where another failed login would disable the account; a warning says so.
      - Where nobody listens yet, it foretells what would be done to a new server.
  diff_mode:
    support: full
    details: The key is not shown.
  idempotent:
    support: full
options:
  username:
    description:
      - Name of the administrator. The wizard makes it, or the API key, when the account is not there later. Letters,
        digits, blanks and C(-'._@+).
    type: str
    required: true
  password:
    description:
      - Password of the administrator, also used to log in when the key file has no valid key.
    type: str
    required: true
  update_password:
    description:
      - When an account that is there gets O(password). To know whether it is right already, V(always) logs in once in
        each run, check mode included, and ends that session. Jellyfin's activity log shows it. A wrong password counts
        as a failed login, and a new one ends all of the account's sessions.
      - An account that is disabled gets the password together with its enabling, without a trial.
      - An account that may not log in now, because of its devices, sessions or hours, keeps its password, with a
        warning.
    type: str
    choices:
      always: Whenever it is another one.
      on_create: When the account is made.
    default: always
    version_added: 0.1.0
  other_administrators:
    description: Names of further administrators that are wanted, and so not listed in the warning about others.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  server_name:
    description: Name under which the server appears in clients. The server's own proposal when not given.
    type: str
  ui_culture:
    description: Language of the server's own texts, like V(en-US) or V(de).
    type: str
  metadata_country:
    description: Country for titles and age ratings, by its code of two letters, like V(US).
    type: str
  metadata_language:
    description: Language for titles and descriptions, by its code of two letters, like V(en).
    type: str
  remote_access:
    description: Whether the server answers to addresses outside its own network.
    type: bool
    default: true
  app_name:
    description: Name of the API key, as Jellyfin's dashboard lists it.
    type: str
    default: household.mediaserver
  api_key_file:
    description: File on the managed host for the API key. Replaced in one step, mode V(0600). Its folder must exist.
    type: path
    required: true
  owner:
    description: Owner of O(api_key_file), name or number. Left alone when empty.
    type: str
    default: ""
  group:
    description: Group of O(api_key_file), name or number. Left alone when empty.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Claim Jellyfin before anybody else can
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
  description: Whether the first-run wizard is completed now; in check mode, whether it would be.
  returned: success
  type: bool
  sample: true
wizard_run:
  description: Whether this run completed the wizard, or would have.
  returned: success
  type: bool
  sample: false
api_key_created:
  description: Whether the server had to make a key. V(null) in check mode when only a login could tell.
  returned: success
  type: bool
  sample: false
api_key_written:
  description: Whether the key file got a new content.
  returned: success
  type: bool
  sample: false
administrator_changes:
  description:
    - What the API key changed of the administrator's account, or would in check mode. C(account) when it was made, else
      any of C(IsAdministrator), C(IsDisabled) and C(password).
  returned: success
  type: list
  elements: str
  sample: [IsDisabled, password]
server_version:
  description: Version of the server; empty in check mode when nobody listens.
  returned: success
  type: str
  sample: 12.0.0
server_id:
  description: Id of the server; empty in check mode when nobody listens.
  returned: success
  type: str
  sample: 1034d0d695cd4645a4af34cc71a42dbc
server_name:
  description: Name of the server as it tells everybody.
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
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.wizard import Household

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
QUESTIONS = ("server_name", "ui_culture", "metadata_country", "metadata_language", "remote_access")


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    options = module.params
    try:
        client = make_client(module, "jellyfin_setup", time)
        with syncing(module, client):
            outcome = JellyfinSetup(
                client,
                household=Household(
                    options["username"], options["password"], **{name: options[name] for name in QUESTIONS}
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
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**present(outcome))


if __name__ == "__main__":
    main()
