#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jellyfin_settings
short_description: Manage server, network and encoding settings of a Jellyfin server
version_added: 0.1.0
description:
  - Brings a running server's configuration to the wanted values and does not change other values.
  - Jellyfin replaces the whole object at each write, with defaults for missing values; a body without
    C(IsStartupWizardCompleted) opens the first-run wizard to every client. So the module reads the object, merges the
    wanted values into it, writes it and reads it back. That key cannot be set, and no object in which it is not true
    is ever sent.
  - Names are those of the server's API, like C(LibraryMonitorDelay). Names and types are checked against the object
    that the server returned, before anything is written, because Jellyfin ignores unknown names without an error.
  - Values that are objects, like C(TrickplayOptions), are merged by key. Lists are replaced as a whole, and their
    order counts; objects in lists must be given with all their keys. A value of V(null) is not managed.
  - Works with Jellyfin 10.11 and 12.0, which differ in some names.
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
    details: When no server listens yet, it predicts a change of every wanted value.
  diff_mode:
    support: full
    details: Secrets, like C(CertificatePassword), are shown as hidden.
  idempotent:
    support: full
options:
  system:
    description: Wanted values of C(/System/Configuration), like C(LibraryMonitorDelay).
    type: dict
    default: {}
  encoding:
    description: Wanted values of C(/System/Configuration/encoding), like C(HardwareAccelerationType).
    type: dict
    default: {}
  network:
    description: Wanted values of C(/System/Configuration/network), like C(KnownProxies).
    type: dict
    default: {}
  allow_unknown:
    description: Also send names that the server did not return. The module fails if the server does not accept them.
    type: bool
    default: false
  restart:
    description:
      - What to do when a change takes effect only after a restart. That is assumed for C(EnableMetrics) and all of
        O(network).
      - A restart stops playback. After a change of C(InternalHttpPort) or C(BaseUrl) the server is no longer reachable
        at O(url).
      - A restart that an earlier run did not complete is made up when the server shows it, by C(/metrics) or, with
        O(network), by C(HasPendingRestart). It does not show it for every value, for example not for C(KnownProxies).
    type: str
    choices:
      never: Do not restart; RV(restart_needed) shows whether a restart is needed.
      when_needed: Restart the server and wait until it is C(Healthy) again.
    default: never
notes:
  - Ansible logs a task's options on the managed host before the module runs, and so before it can mask secrets in
    O(system), O(network) and O(encoding), like C(CertificatePassword). Set C(no_log) on a task with secrets.
"""

EXAMPLES = r"""
- name: List a new film after one second, and limit the load of a small host
  household.mediaserver.jellyfin_settings:
    api_key_file: /etc/mediaserver/jellyfin-api-key
    system:
      LibraryMonitorDelay: 1
      TrickplayOptions:
        ProcessThreads: 1
    encoding:
      EncodingThreadCount: 2
      HardwareAccelerationType: none

- name: Serve metrics
  household.mediaserver.jellyfin_settings:
    api_key_file: /etc/mediaserver/jellyfin-api-key
    system:
      EnableMetrics: true
    restart: when_needed
"""

RETURN = r"""
changes:
  description:
    - Changes that were made, or would be in check mode, by section and name.
    - Secrets are hidden. C(before) is V(null) for a value that did not exist.
  returned: success
  type: dict
  sample: {"system.LibraryMonitorDelay": {"before": 60, "after": 1}}
restart_needed:
  description: Whether the server needs a restart after this run.
  returned: success
  type: bool
  sample: false
restarted:
  description: Whether the server was restarted, or would be in check mode. Counts as a change.
  returned: success
  type: bool
  sample: false
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
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.settings import (
    JellyfinSettings,
    present,
)
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.values import SECTIONS, secrets_in

SPEC: dict[str, dict[str, t.Any]] = {
    **API_KEY,
    "system": {"type": "dict", "default": {}},
    "encoding": {"type": "dict", "default": {}},
    "network": {"type": "dict", "default": {}},
    "allow_unknown": {"type": "bool", "default": False},
    "restart": {"type": "str", "choices": ["never", "when_needed"], "default": "never"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, **ONE_KEY)
    options = module.params
    wanted = {section: options[section] for section in SECTIONS}
    # Before anything else, so that Ansible masks the secrets in every result, also in a failure.
    module.no_log_values.update(secrets_in(wanted))
    try:
        client = make_client(module, "jellyfin_settings", time)
        with syncing(module, client):
            result = JellyfinSettings(
                client,
                wanted,
                allow_unknown=options["allow_unknown"],
                may_restart=options["restart"] == "when_needed",
                timeout=options["timeout"],
                check_mode=module.check_mode,
                authorise=lambda: use_key(module, client),
            ).run()
    except MediaserverError as error:
        module.fail_json(msg=f"Jellyfin's settings: {error}")
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**present(result))


if __name__ == "__main__":
    main()
