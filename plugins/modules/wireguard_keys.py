#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wireguard_keys
short_description: Keep a WireGuard key pair as files
version_added: 0.1.0
description:
  - Keeps a private key, its public key beside it and, if wanted, a preshared key as files of their own.
  - Needs neither C(wg) nor any library on the host.
  - A key is never lost by surprise. O(regenerate) says when a new one may be made, and what is replaced is kept beside
    the new one as C(<path>.replaced.<number>), mode 0600.
  - Private and preshared keys are never returned, and diffs show them by public key or digest only.
  - Two runs at once on the same folder wait for each other, up to 30 seconds.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: full
    details: A folder or an account that does not exist counts as something that will exist by then.
  diff_mode:
    support: full
    details: Shows owner, mode, the private key's public key and the preshared key's digest.
  idempotent:
    support: partial
    details:
      - Not with O(regenerate=always), unless O(private_key) is given, and O(preshared_key) too where O(preshared_path)
        is.
options:
  path:
    description: Absolute path of the private key's file. Its folder must exist. Links are refused.
    type: path
    required: true
  public_path:
    description: Absolute path of the public key's file, which has mode 0644. O(path) with C(.pub) appended by
      default.
    type: path
  preshared_path:
    description: Absolute path of a preshared key's file, mode as O(mode). Without it there is none.
    type: path
  private_key:
    description:
      - A private key to adopt, base64, 44 characters. The file then holds exactly this one.
      - A different valid key in the file is replaced (and kept aside), unless O(regenerate=never).
    type: str
  preshared_key:
    description: A preshared key to adopt, base64, 44 characters, in the same way. Needs O(preshared_path).
    type: str
  regenerate:
    description:
      - When a private or preshared key may be made or replaced.
      - A file that was cut short, for instance when the power failed, holds no valid key.
    type: str
    choices:
      never: Makes and replaces none. A missing, invalid or different one is an error.
      if_missing: Makes one where there is none. A file that holds no valid key is an error.
      if_invalid: Also makes one in place of a file that holds no valid key.
      always: Makes a new one every time, unless one is given to adopt.
    default: if_missing
  owner:
    description: Name or number of the files' owner. Left alone by default.
    type: str
  group:
    description: Name or number of the files' group. Left alone by default.
    type: str
  mode:
    description: Octal mode of the private and the preshared key's file, in quotes. Others may not be given any right.
    type: str
    default: "0600"
"""

EXAMPLES = r"""
- name: Keep a key pair of this host's own
  household.mediaserver.wireguard_keys:
    path: /etc/wireguard/private.key
  register: keys

- name: Show the public key for the other side
  ansible.builtin.debug:
    var: keys.public_key

- name: Adopt the key that the provider gave, and keep a preshared key too
  household.mediaserver.wireguard_keys:
    path: /etc/wireguard/provider.key
    private_key: "{{ gateway_private_key }}"
    preshared_path: /etc/wireguard/provider.psk
    owner: root
    group: root

- name: Never make a key here, it comes from a backup
  household.mediaserver.wireguard_keys:
    path: /etc/wireguard/restored.key
    regenerate: never
"""

RETURN = r"""
public_key:
  description: The public key, base64. V(null) in check mode when the private key would be a new one.
  returned: success
  type: str
  sample: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
generated:
  description: Whether the private key was made by this run, or would be in check mode.
  returned: success
  type: bool
  sample: false
paths:
  description: Files that were (in check mode, would be) written or whose owner or mode changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/wireguard/private.key, /etc/wireguard/private.key.pub]
kept:
  description: Where the old files were kept whose content was replaced. Empty in check mode.
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


def wanted(params: dict[str, Any]) -> keys.Wanted:
    try:
        mode = int(params["mode"], 8)
    except ValueError:
        raise KeyFileError('mode is not octal; write it in quotes, like "0600"') from None
    return keys.Wanted(
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
    wish = wanted(module.params)
    paths = [path for path in (wish.path, wish.public_path, wish.preshared_path) if path]
    kept: list[str] = []
    with contextlib.nullcontext() if module.check_mode else secret_file.alone(paths):
        found = {path: state for path in paths if (state := key_files.read(path)) is not None}
        plan = keys.plan(wish, found)
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
    """Read, plan, apply."""
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
