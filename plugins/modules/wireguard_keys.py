#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wireguard_keys
short_description: Manage a WireGuard key pair as files
version_added: 0.1.0
description:
  - Manages files with a private key, its public key and, if wanted, a preshared key.
  - Needs neither C(wg) nor any library on the host.
  - O(regenerate) defines when a key may be generated or replaced. A replaced key is kept beside the new one as
    C(<path>.replaced.<number>), mode V(0600).
  - Private and preshared keys are never returned. Diffs show only the public key, or a digest of the preshared key.
  - Concurrent runs on the same folder wait for each other, up to 30 seconds.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: full
    details: Assumes that a folder or an account that does not exist yet will be created by an earlier task.
  diff_mode:
    support: full
    details: Shows owner, mode, the private key's public key and the preshared key's digest.
  idempotent:
    support: partial
    details:
      - Not with O(regenerate=always), unless O(private_key) is given, and O(preshared_key) too when O(preshared_path)
        is.
options:
  path:
    description: Absolute path of the private key's file. Its folder must exist. A symbolic link is an error.
    type: path
    required: true
  public_path:
    description: Absolute path of the public key's file, which has mode 0644. O(path) with C(.pub) appended by
      default.
    type: path
  preshared_path:
    description: Absolute path of a preshared key's file, with O(mode). Without it, no preshared key is managed.
    type: path
  private_key:
    description:
      - A private key to write to O(path), base64, 44 characters.
      - A different valid key in the file is replaced and kept in another file, unless O(regenerate=never).
    type: str
  preshared_key:
    description: A preshared key to write to O(preshared_path), in the same way. Needs O(preshared_path).
    type: str
  regenerate:
    description:
      - When a private or preshared key may be generated or replaced.
      - A truncated file, for instance after a power failure, does not contain a valid key.
    type: str
    choices:
      never: Never generates or replaces a key. A missing, invalid or different key is an error.
      if_missing: Generates a key when the file does not exist. A file without a valid key is an error.
      if_invalid: Also replaces a file without a valid key.
      always: Generates a new key in every run, unless O(private_key) or O(preshared_key) is given.
    default: if_missing
  owner:
    description: Name or uid of the files' owner. Not managed by default.
    type: str
  group:
    description: Name or gid of the files' group. Not managed by default.
    type: str
  mode:
    description: Octal mode of the private and the preshared key's file, in quotes. Other accounts may have no access.
    type: str
    default: "0600"
"""

EXAMPLES = r"""
- name: Generate a key pair on this host
  household.mediaserver.wireguard_keys:
    path: /etc/wireguard/private.key
  register: keys

- name: Show the public key for the peer
  ansible.builtin.debug:
    var: keys.public_key

- name: Write the provider's private key, and generate a preshared key
  household.mediaserver.wireguard_keys:
    path: /etc/wireguard/provider.key
    private_key: "{{ gateway_private_key }}"
    preshared_path: /etc/wireguard/provider.psk
    owner: root
    group: root

- name: Never generate a key that comes from a backup
  household.mediaserver.wireguard_keys:
    path: /etc/wireguard/restored.key
    regenerate: never
"""

RETURN = r"""
public_key:
  description: The public key, base64. V(null) in check mode when the private key would be generated.
  returned: success
  type: str
  sample: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
generated:
  description: Whether this run generated the private key, or would in check mode.
  returned: success
  type: bool
  sample: false
paths:
  description: Files that were written or whose owner or mode was changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/wireguard/private.key, /etc/wireguard/private.key.pub]
kept:
  description: Files with the replaced contents. Empty in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/wireguard/private.key.replaced.1]
"""

import contextlib
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core import secret_file
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import KeyFileError, MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard import key_files, keys

SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "public_path": {"type": "path"},
    "preshared_path": {"type": "path", "no_log": False},
    "private_key": {"type": "str", "no_log": True},
    "preshared_key": {"type": "str", "no_log": True},
    "regenerate": {"type": "str", "choices": list(keys.POLICIES), "default": "if_missing"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str", "default": "0600"},
}


def wanted_keys(params: dict[str, Any]) -> keys.WantedKeys:
    """Return the options as planned by ``keys``. Raises KeyFileError."""
    try:
        mode = int(params["mode"], 8)
    except ValueError:
        raise KeyFileError('mode is not octal; write it in quotes, like "0600"') from None
    return keys.WantedKeys(
        path=params["path"],
        public_path=params["public_path"] or f"{params['path']}.pub",
        preshared_path=params["preshared_path"],
        private_key=params["private_key"],
        preshared_key=params["preshared_key"],
        regenerate=params["regenerate"],
        mode=mode,
        owner=secret_file.Owner.of(params["owner"], params["group"]),
    )


def run(module: AnsibleModule) -> dict[str, Any]:
    """Read, plan, apply; return the module's result. Raises KeyFileError."""
    wanted = wanted_keys(module.params)
    paths = [path for path in (wanted.path, wanted.public_path, wanted.preshared_path) if path]
    kept: list[str] = []
    with contextlib.nullcontext() if module.check_mode else secret_file.alone(paths):
        found = {path: state for path in paths if (state := key_files.read(path)) is not None}
        plan = keys.plan(wanted, found)
        if not module.check_mode:
            key_files.check_possible(plan.changes)
            kept = [aside for step in plan.changes if (aside := key_files.apply(step))]
    return {
        "changed": bool(plan.changes),
        "public_key": None if plan.generated and module.check_mode else plan.public_key,
        "generated": plan.generated,
        "paths": [step.path for step in plan.changes],
        "kept": kept,
        "diff": plan.diff(),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=SPEC, required_by={"preshared_key": ["preshared_path"]}, supports_check_mode=True
    )
    try:
        result = run(module)
    except MediaserverError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
