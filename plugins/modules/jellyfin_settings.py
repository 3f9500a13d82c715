#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jellyfin_settings
short_description: Keep server, network and encoding settings of a Jellyfin server
version_added: 0.1.0
description:
  - Brings a running server's configuration to the wanted values and leaves all others alone.
  - Jellyfin replaces the whole object at each write, with defaults for what is missing; a body that lacks
    C(IsStartupWizardCompleted) even opens the first-run wizard to everybody. So the module reads the object, merges
    the wanted values into it, writes it and reads it back. That key cannot be set, and no object in which it
    is not true is ever sent.
  - Names are those of the server's own API, like C(LibraryMonitorDelay). They and their types are checked against
    what this server has answered, before anything is written, because Jellyfin ignores unknown names in silence.
  - Values that are objects, like C(TrickplayOptions), are merged by key. Lists are replaced as a whole, and their
    order counts; objects in lists must be given with all their keys. V(null) leaves a value alone.
  - Works with Jellyfin 10.11 and 12.0, whose names differ a little.
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
    details: Where nobody listens yet, it foretells a change of everything that is wanted.
  diff_mode:
    support: full
    details: Secrets, like C(CertificatePassword), are shown as hidden.
  idempotent:
    support: full
options:
  system:
    description: Wanted values of the server's own configuration, as C(/System/Configuration) names them.
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
    description: Send names too that the server has not answered. It fails if the server does not take them.
    type: bool
    default: false
  restart:
    description:
      - What to do when a change takes effect only after a restart. That is so for C(EnableMetrics) and counts for
        all of O(network).
      - A restart stops what is being played. After a change of C(InternalHttpPort) or C(BaseUrl) the server is no
        longer found at O(url).
      - One that an earlier run has left undone is made up where the server shows it, by C(/metrics) or, with
        O(network), by C(HasPendingRestart). It does not show that for every value; C(KnownProxies) is one of those.
    type: str
    choices:
      never: Leave it to you; RV(restart_needed) tells.
      when_needed: Restart the server and wait until it is C(Healthy) again.
    default: never
notes:
  - Ansible logs a task's options on the managed host before the module runs, and so before it can hide the secrets in
    O(system), O(network) and O(encoding), like C(CertificatePassword). Set C(no_log) on a task that has any.
"""

EXAMPLES = r"""
- name: List a new film after a second, and cook no films on a small machine
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
    - What was changed, or would be in check mode, by section and name.
    - Secrets are hidden, and before is V(null) where there was nothing.
  returned: success
  type: dict
  sample: {"system.LibraryMonitorDelay": {"before": 60, "after": 1}}
restart_needed:
  description: Whether something waits for a restart of the server after this run.
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
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, **ONE_KEY)
    options = module.params
    wanted = {section: options[section] for section in SECTIONS}
    # First of all: Ansible hides them in whatever the module returns, in a failure too.
    module.no_log_values.update(secrets_in(wanted))
    try:
        client = make_client(module, "jellyfin_settings", time)
        with syncing(module, client):
            outcome = JellyfinSettings(
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
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**present(outcome))


if __name__ == "__main__":
    main()
