#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: transmission_settings
short_description: Keep the settings of a Transmission daemon
version_added: 0.1.0
description:
  - Brings a daemon's settings to the wanted values, whether it runs or not, and leaves all others alone.
  - While the daemon is stopped, or before its first start, it merges them into C(settings.json).
  - While it runs, it changes what Transmission's RPC can change there, live, and reads it back, because
    Transmission ignores wrong types and unknown names in silence.
  - What only C(settings.json) holds is changed by stopping the daemon, which saves all that it holds,
    editing the file and starting it again, and only when it differs and O(container), O(service) or O(unit) allows it.
    Where both kinds differ, it is one stop for all of them, and without leave to stop nothing is changed at all.
  - Works with Transmission 3.00, 4.0 and 4.1, in the protocol that the daemon prefers, which is JSON-RPC 2.0
    from 4.1 on. C(settings.json) is read and written in the style in which the daemon keeps it, kebab-case or
    snake_case, with one spelling of each setting.
  - Every known setting, with its type, its range, its names, where it can be changed and since which version, is in
    the collection's C(docs/transmission-settings.md).
  - Do not use it together with the start-up program of linuxserver's image. At every start of the container it
    writes C(rpc-username), C(rpc-password), C(rpc-whitelist), C(rpc-host-whitelist), C(peer-port) and C(umask)
    from the environment (E(USER), E(PASS), E(WHITELIST), E(HOST_WHITELIST), E(PEERPORT), E(UMASK)), and switches
    off the authentication and the whitelists that the environment does not name. Without IPv6 in the container it sets
    C(rpc-bind-address) to V(0.0.0.0), and a file that is not valid JSON it leaves empty. Leave these settings to the
    environment, or start C(transmission-daemon) by an entry point of your own. With O(container) or O(service)
    the module looks for that program and its variables, and warns about each wanted setting that would not last.
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
        the same. All are listed in C(docs/transmission-settings.md).
      - Values are converted to the setting's type and checked against its range, and a setting that the daemon's
        version does not know is refused. V(null) leaves a setting alone.
      - O(username) and O(password) stand for C(rpc-username) and C(rpc-password), which are refused here.
    type: dict
    default: {}
  url:
    description:
      - Address of the daemon's RPC. Redirects are not followed and proxies are not used.
      - With https, the certificate is verified against the managed host's own store of authorities, always.
    type: str
    default: http://127.0.0.1:9091/transmission/rpc
  username:
    description: User name for the RPC. With O(config_dir), it is also written as C(rpc-username).
    type: str
    default: ""
  password:
    description:
      - Password for the RPC. With O(config_dir), it is also written as C(rpc-password), salted and hashed.
        A stored hash of the same password is left as it is. The module writes the plain text nowhere but into
        O(access_file).
      - May not begin with V({), because Transmission would take it for a hash.
    type: str
    default: ""
  config_dir:
    description:
      - Folder of C(settings.json), as an absolute path. It must exist, and should be closed to others
        (V(0700)), because Transmission 4.1 gives the file the mode that its own C(umask) leaves whenever it
        saves.
      - Without it only what the RPC can change is managed, on a daemon that runs.
    type: path
  container:
    description:
      - Docker container in which the daemon runs. Its state tells whether the daemon runs, and it may be
        stopped and started. A container that does not exist, or a Docker that is not there, counts as
        stopped.
      - It is also started anew when the daemon does not let the module in and holds another password, or other
        whitelists, than the file is to have, or is locked after too many wrong passwords.
      - Without O(container), O(service) and O(unit), a refused connection counts as stopped, and the module stops
        nothing.
    type: str
  service:
    description:
      - Service of the compose project O(project) in whose container the daemon runs. Like O(container), but the
        container is found by compose's labels, not by its name.
      - The module connects to the container's own address, which it takes from Docker, by the bridge of its network,
        so that nothing leaves this host. Of O(url), the host is not used then, and the port is the container's own.
    type: str
  project:
    description: Name of the compose project of O(service).
    type: str
    default: mediaserver
  unit:
    description: systemd unit of the daemon. Mutually exclusive with O(container) and O(service).
    type: str
  owner:
    description: Owner of C(settings.json), name or number. Left alone when empty.
    type: str
    default: ""
  group:
    description: Group of C(settings.json), name or number. Left alone when empty.
    type: str
    default: ""
  access_file:
    description:
      - Absolute path of a JSON file from which other programs of the host take the keys C(url), C(user) and C(password)
        of the RPC. Only its owner can read it. It holds the password in plain text.
      - The module writes it after the daemon has its settings, so that the two change together. Its folder must exist.
    type: path
  access_url:
    description: Address of the RPC in O(access_file). By default O(url).
    type: str
    default: ""
  mode:
    description: Octal mode of C(settings.json) whenever the module writes it; what follows is Transmission's.
    type: str
    default: "0600"
  allow_unknown:
    description: Let names pass that the module does not know; C(settings.json) gets them as they are.
    type: bool
    default: false
  on_damage:
    description:
      - What to do when C(settings.json) is no JSON object, for instance after a power cut. It is copied to
        C(settings.json.damaged-...) in either case.
    type: str
    choices:
      fail: Fail, and leave it to you.
      recreate: Make a new one from the wanted settings and from what a running daemon holds.
    default: fail
  on_silence:
    description: What to do when the daemon runs and does not answer within O(timeout).
    type: str
    choices:
      fail: Fail.
      file: Warn, and go by what C(settings.json) says; for when something else gets it to answer later.
    default: fail
  timeout:
    description: Seconds to wait until a running daemon answers.
    type: int
    default: 60
  stop_timeout:
    description: Seconds that the container may take to stop; then it is killed, and could not save its state.
    type: int
    default: 60
notes:
  - Ansible logs a task's options on the managed host before the module runs, and so before it can hide the secrets in
    O(settings), like C(proxy-url). Set C(no_log) on a task that has any.
"""

EXAMPLES = r"""
- name: Settle Transmission before its first start and ever after
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

- name: See what a run would change, and whether it would stop the daemon
  household.mediaserver.transmission_settings:
    config_dir: /opt/mediaserver/config/transmission
    unit: transmission-daemon.service
    settings:
      message-level: warn
      preferred-transports: [utp, tcp]
  check_mode: true
  register: transmission_foreseen

- name: Slow a daemon down that runs elsewhere
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
    - What was changed, or would be in check mode, by name. Names in parentheses are no settings.
    - Secrets are hidden, and before is V(null) where there was nothing.
  returned: success
  type: dict
  sample: {"speed-limit-up": {"before": 100, "after": 200}}
daemon:
  description: V(running), V(restarting) or V(stopped); after a stop and start, V(running).
  returned: success
  type: str
  sample: running
version:
  description: Version of the daemon; empty when it did not answer.
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
  description: Path of the copy of a damaged settings.json; empty when it was sound.
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
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, **ONE_SUPERVISOR)
    try:
        outcome = run(module, time)
        if outcome.plan and not module.check_mode:
            # After its start the service has written files itself, without fsync.
            sync_filesystem(module.params["config_dir"])
    except MediaserverError as error:
        module.fail_json(msg=f"Transmission's settings: {error}")
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**present(outcome))


if __name__ == "__main__":
    main()
