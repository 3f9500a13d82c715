#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: transmission_settings
short_description: Manage the settings of a Transmission daemon
version_added: 0.1.0
description:
  - Brings a daemon's settings to the wanted values, whether it runs or not, and does not change other settings.
  - While the daemon is stopped, or before its first start, the module merges them into C(settings.json).
  - While the daemon runs, the module changes settings by Transmission's RPC where possible and reads them back, because
    Transmission ignores wrong types and unknown names without an error.
  - Settings that only C(settings.json) can change need a stop. The daemon saves its settings when it stops; the module
    then edits the file and starts the daemon. It does so only when such a setting differs and O(container), O(service)
    or O(unit) allows it. One stop serves all changes, and without permission to stop nothing is changed.
  - Works with Transmission 3.00, 4.0 and 4.1, with the protocol that the daemon prefers (JSON-RPC 2.0 since 4.1).
    C(settings.json) is read and written in the daemon's style, kebab-case or snake_case, with one spelling of each
    setting.
  - The collection's C(docs/transmission-settings.md) lists every known setting with its type, its range, its names,
    where it can be changed and since which version.
  - Do not use the module together with the init script of linuxserver's image. At every start of the container the
    script writes C(rpc-username), C(rpc-password), C(rpc-whitelist), C(rpc-host-whitelist), C(peer-port) and C(umask)
    from the environment (E(USER), E(PASS), E(WHITELIST), E(HOST_WHITELIST), E(PEERPORT), E(UMASK)), and disables
    the authentication and the whitelists that the environment does not set. Without IPv6 in the container it sets
    C(rpc-bind-address) to V(0.0.0.0), and it empties a file that is not valid JSON. Set these settings in the
    environment, or start C(transmission-daemon) by another entry point. With O(container) or O(service)
    the module looks for that script and its variables, and warns about each wanted setting that would be overwritten.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Secrets are shown as hidden.
  idempotent:
    support: full
options:
  settings:
    description:
      - Wanted settings by their names in C(settings.json), like C(speed-limit-down); C(speed_limit_down) is
        the same. C(docs/transmission-settings.md) lists all of them.
      - Values are converted to the setting's type and checked against its range. A setting that the daemon's version
        does not know is an error. A setting of V(null) is not managed.
      - C(rpc-username) and C(rpc-password) must be given as O(username) and O(password).
    type: dict
    default: {}
  url:
    description:
      - URL of the daemon's RPC. Redirects are not followed and proxies are not used.
      - With https, the certificate is always verified against the managed host's own certificate authorities.
    type: str
    default: http://127.0.0.1:9091/transmission/rpc
  username:
    description: User name for the RPC. With O(config_dir), it is also written as C(rpc-username).
    type: str
    default: ""
  password:
    description:
      - Password for the RPC. With O(config_dir), it is also written as C(rpc-password), salted and hashed.
        A stored hash of the same password is kept. The module writes the plain text only into O(access_file).
      - Must not begin with V({), because Transmission would read it as a hash.
    type: str
    default: ""
  config_dir:
    description:
      - Absolute path of the folder of C(settings.json). It must exist, and should not be accessible by other accounts
        (V(0700)), because Transmission 4.1 saves the file with a mode that follows its own C(umask).
      - Without it, the module manages only settings that the RPC can change, on a running daemon.
    type: path
  container:
    description:
      - Docker container in which the daemon runs. Its state shows whether the daemon runs, and it may be stopped and
        started. A missing container, or a host without Docker, counts as stopped.
      - It is also restarted when the daemon rejects the module because it runs with another password, or other
        whitelists, than the wanted ones, or because it is locked after too many wrong passwords.
      - Without O(container), O(service) and O(unit), a refused connection counts as stopped, and the module stops
        nothing.
    type: str
  service:
    description:
      - Service of the compose project O(project) in whose container the daemon runs. Like O(container), but the
        container is found by its compose labels, not by its name.
      - The module connects to the container's own address, which Docker reports, through the bridge of its network, so
        that no request leaves the managed host. The host of O(url) is then ignored; its port is the container's own.
    type: str
  project:
    description: Name of the compose project of O(service).
    type: str
    default: mediaserver
  unit:
    description: systemd unit of the daemon. Mutually exclusive with O(container) and O(service).
    type: str
  owner:
    description: Owner of C(settings.json), name or uid. Not managed when empty.
    type: str
    default: ""
  group:
    description: Group of C(settings.json), name or gid. Not managed when empty.
    type: str
    default: ""
  access_file:
    description:
      - Absolute path of a JSON file with the keys C(url), C(user) and C(password) of the RPC, for other programs of the
        host. It contains the password in plain text, with mode V(0600).
      - The module writes it after the daemon has its settings, so that the two change together. Its folder must exist.
    type: path
  access_url:
    description: URL of the RPC in O(access_file). By default O(url).
    type: str
    default: ""
  mode:
    description: Octal mode of C(settings.json) when the module writes it. Transmission may change it later.
    type: str
    default: "0600"
  allow_unknown:
    description: Accept names that the module does not know, and write them unchanged to C(settings.json).
    type: bool
    default: false
  on_damage:
    description:
      - What to do when C(settings.json) is not a JSON object, for instance after a power cut. It is copied to
        C(settings.json.damaged-...) in either case.
    type: str
    choices:
      fail: Fail without a change.
      recreate: Create a new file from the wanted settings and those of a running daemon.
    default: fail
  on_silence:
    description: What to do when the daemon runs and does not respond within O(timeout).
    type: str
    choices:
      fail: Fail.
      file: Warn, and use the values in C(settings.json); for a daemon that another program repairs later.
    default: fail
  timeout:
    description: Time limit in seconds for a running daemon to respond.
    type: int
    default: 60
  stop_timeout:
    description: Time limit in seconds for the container to stop; then it is killed and cannot save its state.
    type: int
    default: 60
notes:
  - Ansible logs a task's options on the managed host before the module runs, and so before it can mask secrets in
    O(settings), like C(proxy-url). Set C(no_log) on a task with secrets.
"""

EXAMPLES = r"""
- name: Configure Transmission, before its first start and later
  household.mediaserver.transmission_settings:
    config_dir: /opt/mediaserver/config/transmission
    service: transmission
    owner: "2000"
    group: "2000"
    username: family
    password: "{{ transmission_password }}"
    settings:
      rpc-authentication-required: true
      download-dir: /downloads/complete
      umask: "002"
      # Any known setting, in either spelling; this one is sent to the running daemon.
      ratio_limit: 2.5

- name: Predict the changes, and whether they would stop the daemon
  household.mediaserver.transmission_settings:
    config_dir: /opt/mediaserver/config/transmission
    unit: transmission-daemon.service
    settings:
      message-level: warn
      preferred-transports: [utp, tcp]
  check_mode: true
  register: transmission_prediction

- name: Change only settings of the RPC, on a running daemon
  household.mediaserver.transmission_settings:
    url: http://127.0.0.1:9091/transmission/rpc
    username: family
    password: "{{ transmission_password }}"
    settings:
      speed-limit-up: 200
      speed-limit-up-enabled: true
"""

RETURN = r"""
changes:
  description:
    - Changes that were made, or would be in check mode, by name. Names in parentheses are not settings.
    - Secrets are hidden. C(before) is V(null) for a value that did not exist.
  returned: success
  type: dict
  sample: {"speed-limit-up": {"before": 100, "after": 200}}
daemon:
  description: State of the daemon, V(running), V(restarting) or V(stopped); V(running) after a stop and start.
  returned: success
  type: str
  sample: running
version:
  description: Version of the daemon; empty when it did not respond.
  returned: success
  type: str
  sample: 4.1.3
stopped_for:
  description: Names of the changes for which the daemon was stopped and started.
  returned: success
  type: list
  elements: str
  sample: [umask]
kept_aside:
  description: Path of the copy of a damaged settings.json; empty when it was valid.
  returned: success
  type: str
  sample: ""
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core.daemon_options import ONE_SUPERVISOR
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._core.names import TRANSMISSION_URL
from ansible_collections.household.mediaserver.plugins.module_utils._core.service_http import OPTIONS
from ansible_collections.household.mediaserver.plugins.module_utils._core.sync import sync_filesystem
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.module import present, run

SPEC: dict[str, dict[str, t.Any]] = {
    "settings": {"type": "dict", "default": {}},
    "url": {"type": "str", "default": TRANSMISSION_URL},
    "username": {"type": "str", "default": ""},
    "password": {"type": "str", "default": "", "no_log": True},
    "config_dir": {"type": "path"},
    "container": {"type": "str"},
    **OPTIONS,
    "unit": {"type": "str"},
    "owner": {"type": "str", "default": ""},
    "group": {"type": "str", "default": ""},
    "access_file": {"type": "path"},
    "access_url": {"type": "str", "default": ""},
    "mode": {"type": "str", "default": "0600"},
    "allow_unknown": {"type": "bool", "default": False},
    "on_damage": {"type": "str", "choices": ["fail", "recreate"], "default": "fail"},
    "on_silence": {"type": "str", "choices": ["fail", "file"], "default": "fail"},
    "timeout": {"type": "int", "default": 60},
    "stop_timeout": {"type": "int", "default": 60},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, **ONE_SUPERVISOR)
    try:
        result = run(module, time)
        if result.plan and not module.check_mode:
            # Transmission writes files at its start without fsync.
            sync_filesystem(module.params["config_dir"])
    except MediaserverError as error:
        module.fail_json(msg=f"Transmission's settings: {error}")
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**present(result))


if __name__ == "__main__":
    main()
