#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jackett_settings
short_description: Keep the settings, the password and the key of a Jackett
version_added: 0.1.0
description:
  - Brings C(ServerConfig.json) to the wanted values while Jackett is stopped, and leaves all other fields alone.
    Before the first start it makes the file, so that nobody ever meets a Jackett without a password.
  - The file alone is used, because an edit beside a running Jackett is lost, and its interface may apply a part
    of a change before it refuses the rest. A running Jackett is stopped and started again, only when something
    differs and O(container), O(service) or O(unit) allows it.
  - The file is written as Jackett itself writes it, in one step, and so that a power cut does not undo it. Jackett
    throws away a file that is cut off or has one value of the wrong type, without a word, and starts with
    defaults that are open to everybody. After a start of its own the module therefore waits until Jackett is well,
    and fails if it did not keep the file; one that is open to everybody is stopped before that.
  - A changed password ends no session. Whoever is logged in stays so, over restarts too. Only a new
    C(DataProtection) folder ends sessions, and its keys also encrypt the passwords of the indexers, so the module
    does not touch it.
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
      - Folder of C(ServerConfig.json), as an absolute path. It must exist. Jackett must be able to write to it,
        else nobody can log in.
    type: path
    required: true
  admin_password:
    description:
      - Password of the web page. It is stored as Jackett's hash over it and C(APIKey), which is computed again when
        the key changes; a stored hash that fits is left as it is, and the plain text never reaches the disk.
      - An empty one is refused, because it opens Jackett to everybody.
    type: str
    required: true
  api_key:
    description:
      - Key of Torznab, of 16 to 128 letters, digits, V(-) and V(_). Without it, the key that the file holds is kept,
        else the one in O(api_key_file), else a new one is made.
    type: str
    default: ""
  api_key_file:
    description:
      - Absolute path of a file, of mode 0600, that gets the key, for other programs of the host. Its folder must
        exist.
    type: path
  settings:
    description:
      - Wanted fields by their names in C(ServerConfig.json), like C(CacheTtl); C(cache_ttl) is the same.
      - Values are converted to the field's type and checked against its range. V(null) leaves a field alone, and
        empty text clears one that may be empty.
      - In a container C(AllowExternal) must be V(true), which is also Jackett's default; C(ProxyType) is V(disabled),
        V(http), V(socks4) or V(socks5).
      - C(BlackholeDir) is a path as Jackett sees it; whether it exists there is not checked.
    type: dict
    default: {}
  allow_unknown:
    description:
      - Let names pass that the module does not know. Jackett drops them when it next saves if it does not know them
        either.
    type: bool
    default: false
  url:
    description:
      - Address of Jackett, of which only C(/health) is asked. Proxies are not used.
      - With https, the certificate is verified against the managed host's own store of authorities, always.
    type: str
    default: http://127.0.0.1:9117
  container:
    description:
      - Docker container in which Jackett runs. Its state tells whether Jackett runs, and it may be stopped and
        started. A container that does not exist, or a Docker that is not there, counts as stopped.
      - Without O(container), O(service) and O(unit), a refused connection to O(url) counts as stopped, and the module
        stops nothing.
    type: str
  service:
    description:
      - Service of the compose project O(project) in whose container Jackett runs. Like O(container), but the container
        is found by compose's labels, not by its name.
      - The module connects to the container's own address, which it takes from Docker, by the bridge of its network,
        so that nothing leaves this host. Of O(url), the host is not used then, and the port is the container's own.
    type: str
  project:
    description: Name of the compose project of O(service).
    type: str
    default: mediaserver
  unit:
    description: systemd unit of Jackett. Mutually exclusive with O(container) and O(service).
    type: str
  owner:
    description: Owner of C(ServerConfig.json), name or number. Left alone when empty.
    type: str
    default: ""
  group:
    description: Group of C(ServerConfig.json), name or number. Left alone when empty.
    type: str
    default: ""
  mode:
    description:
      - Octal mode of C(ServerConfig.json). It stays, because Jackett writes in place. The file holds the
        key and, in plain text, the password of a proxy. A Jackett that makes the file itself leaves it readable to all.
    type: str
    default: "0600"
  on_damage:
    description:
      - What to do when C(ServerConfig.json) is no JSON object, for instance after a power cut, or holds a value for
        which Jackett would throw it away. It is copied to C(ServerConfig.json.damaged-...) in either case.
    type: str
    choices:
      fail: Fail, and leave it to you.
      recreate: Make a new one with the wanted fields, and with the key and the id where they can still be read.
    default: fail
  timeout:
    description: Seconds to wait until a Jackett that the module has started says that it is well.
    type: int
    default: 60
  stop_timeout:
    description: Seconds that the container may take to stop; then it is killed.
    type: int
    default: 30
notes:
  - Ansible logs a task's options on the managed host before the module runs, and so before it can hide the secrets in
    O(settings), like C(ProxyPassword) and C(OmdbApiKey). Set C(no_log) on a task that has any.
"""

EXAMPLES = r"""
- name: Settle Jackett before its first start and ever after
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

- name: Send its searches through a proxy
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
    - What was changed, or would be in check mode, by name. Names in parentheses are no fields.
    - Secrets are hidden, and before is V(null) where there was nothing.
  returned: success
  type: dict
  sample: {"CacheTtl": {"before": 2100, "after": 600}}
daemon:
  description: V(running), V(restarting) or V(stopped); after a stop and start, V(running).
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
  description: Path of the copy of a damaged ServerConfig.json; empty when it was sound.
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
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, **ONE_SUPERVISOR)
    try:
        outcome = build(module, time).run()
        if outcome.plan and not module.check_mode:
            # After its start the service has written files itself, without fsync.
            sync_filesystem(module.params["config_dir"])
    except MediaserverError as error:
        module.fail_json(msg=f"Jackett's settings: {error}")
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**present(outcome))


if __name__ == "__main__":
    main()
