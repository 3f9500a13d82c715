#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jackett_settings
short_description: Manage the settings, the password and the API key of Jackett
version_added: 0.1.0
description:
  - Brings C(ServerConfig.json) to the wanted values while Jackett is stopped, and does not change other fields.
    Before the first start it creates the file, so that Jackett is never reachable without a password.
  - The module writes only the file, because Jackett's API may apply a part of a change before it rejects the rest, and
    a running Jackett overwrites the file. It stops and starts Jackett only when something differs and O(container),
    O(service) or O(unit) allows it.
  - The file is written in Jackett's own format, atomically and synced. Jackett replaces a truncated file, or one with a
    value of the wrong type, without a message by defaults that are open to every client. So after a start the module
    waits until Jackett is healthy, and fails if Jackett replaced the file. A Jackett without password is stopped first.
  - A changed password does not end sessions, even after a restart. Only a new C(DataProtection) folder ends them. Its
    keys also encrypt the passwords of the indexers, so the module does not change it.
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
  config_dir:
    description:
      - Absolute path of the folder of C(ServerConfig.json). It must exist. Jackett must be able to write to it,
        otherwise logins fail.
    type: path
    required: true
  admin_password:
    description:
      - Password of the web interface. Stored as Jackett's hash over the password and C(APIKey), which is recomputed
        when the key changes. The plain text is never written to the disk.
      - Must not be empty, because Jackett would then be open to every client.
    type: str
    required: true
  api_key:
    description:
      - Key of Torznab, of 16 to 128 letters, digits, V(-) and V(_). Without it, the key in the file is kept, else the
        one in O(api_key_file), else a key is generated.
    type: str
    default: ""
  api_key_file:
    description:
      - Absolute path of a file with mode V(0600) to which the key is written, for other programs of the host. Its
        folder must exist.
    type: path
  settings:
    description:
      - Wanted fields by their names in C(ServerConfig.json), like C(CacheTtl); C(cache_ttl) is the same.
      - Values are converted to the field's type and checked against its range. A field set to V(null) is not managed,
        and empty text clears a field that may be empty.
      - In a container C(AllowExternal) must be V(true), which is also Jackett's default; C(ProxyType) is V(disabled),
        V(http), V(socks4) or V(socks5).
      - C(BlackholeDir) is a path in Jackett's container; its existence is not checked.
    type: dict
    default: {}
  allow_unknown:
    description:
      - Accept names that the module does not know. If Jackett does not know them either, it drops them when it next
        saves the file.
    type: bool
    default: false
  url:
    description:
      - URL of Jackett, of which only C(/health) is requested. Proxies are not used.
      - With https, the certificate is always verified against the managed host's own certificate authorities.
    type: str
    default: http://127.0.0.1:9117
  container:
    description:
      - Docker container in which Jackett runs. Its state shows whether Jackett runs, and it may be stopped and started.
        A missing container, or a host without Docker, counts as stopped.
      - Without O(container), O(service) and O(unit), a refused connection to O(url) counts as stopped, and the module
        stops nothing.
    type: str
  service:
    description:
      - Service of the compose project O(project) in whose container Jackett runs. Like O(container), but the container
        is found by its compose labels, not by its name.
      - The module connects to the container's own address, which Docker reports, through the bridge of its network, so
        that no request leaves the managed host. The host of O(url) is then ignored; its port is the container's own.
    type: str
  project:
    description: Name of the compose project of O(service).
    type: str
    default: mediaserver
  unit:
    description: systemd unit of Jackett. Mutually exclusive with O(container) and O(service).
    type: str
  owner:
    description: Owner of C(ServerConfig.json), name or uid. Not managed when empty.
    type: str
    default: ""
  group:
    description: Group of C(ServerConfig.json), name or gid. Not managed when empty.
    type: str
    default: ""
  mode:
    description:
      - Octal mode of C(ServerConfig.json). Jackett keeps it, because it writes in place. The file contains the key and,
        in plain text, the password of a proxy. A file that Jackett itself creates is readable by all accounts.
    type: str
    default: "0600"
  on_damage:
    description:
      - What to do when C(ServerConfig.json) is not a JSON object, for instance after a power cut, or has a value for
        which Jackett would replace it. It is copied to C(ServerConfig.json.damaged-...) in either case.
    type: str
    choices:
      fail: Fail without a change.
      recreate: Create a new file with the wanted fields, and with the key and the id where they can still be read.
    default: fail
  timeout:
    description: Time limit in seconds for Jackett to become healthy after a start by the module.
    type: int
    default: 60
  stop_timeout:
    description: Time limit in seconds for the container to stop; then it is killed.
    type: int
    default: 30
notes:
  - Ansible logs a task's options on the managed host before the module runs, and so before it can mask secrets in
    O(settings), like C(ProxyPassword) and C(OmdbApiKey). Set C(no_log) on a task with secrets.
"""

EXAMPLES = r"""
- name: Configure Jackett, before its first start and later
  household.mediaserver.jackett_settings:
    config_dir: /opt/mediaserver/config/jackett/Jackett
    service: jackett
    owner: "2000"
    group: "2000"
    admin_password: "{{ jackett_password }}"
    api_key_file: /opt/mediaserver/secrets/jackett_api_key
    settings:
      AllowExternal: true
      UpdateDisabled: true
      BlackholeDir: /downloads/watch

- name: Send searches through a proxy
  household.mediaserver.jackett_settings:
    config_dir: /var/lib/jackett
    unit: jackett.service
    admin_password: "{{ jackett_password }}"
    settings:
      proxy_type: socks5
      proxy_url: 127.0.0.1
      proxy_port: 1080
"""

RETURN = r"""
changes:
  description:
    - Changes that were made, or would be in check mode, by name. Names in parentheses are not fields.
    - Secrets are hidden. C(before) is V(null) for a value that did not exist.
  returned: success
  type: dict
  sample: {"CacheTtl": {"before": 2100, "after": 600}}
daemon:
  description: State of Jackett, V(running), V(restarting) or V(stopped); V(running) after a stop and start.
  returned: success
  type: str
  sample: running
stopped_for:
  description: Names of the changes for which Jackett was stopped and started.
  returned: success
  type: list
  elements: str
  sample: [CacheTtl]
kept_aside:
  description: Path of the copy of a damaged ServerConfig.json; empty when it was valid.
  returned: success
  type: str
  sample: ""
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core.daemon_options import ONE_SUPERVISOR
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._core.service_http import OPTIONS
from ansible_collections.household.mediaserver.plugins.module_utils._core.sync import sync_filesystem
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.module import build, present

SPEC: dict[str, dict[str, t.Any]] = {
    "config_dir": {"type": "path", "required": True},
    "admin_password": {"type": "str", "required": True, "no_log": True},
    "api_key": {"type": "str", "default": "", "no_log": True},
    "api_key_file": {"type": "path", "no_log": False},
    "settings": {"type": "dict", "default": {}},
    "allow_unknown": {"type": "bool", "default": False},
    "url": {"type": "str", "default": "http://127.0.0.1:9117"},
    "container": {"type": "str"},
    **OPTIONS,
    "unit": {"type": "str"},
    "owner": {"type": "str", "default": ""},
    "group": {"type": "str", "default": ""},
    "mode": {"type": "str", "default": "0600"},
    "on_damage": {"type": "str", "choices": ["fail", "recreate"], "default": "fail"},
    "timeout": {"type": "int", "default": 60},
    "stop_timeout": {"type": "int", "default": 30},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, **ONE_SUPERVISOR)
    try:
        result = build(module, time).run()
        if result.plan and not module.check_mode:
            # Jackett writes files at its start without fsync.
            sync_filesystem(module.params["config_dir"])
    except MediaserverError as error:
        module.fail_json(msg=f"Jackett's settings: {error}")
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**present(result))


if __name__ == "__main__":
    main()
