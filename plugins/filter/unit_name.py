# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that returns systemd's unit name of a path."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unit_name
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Return the name of the systemd unit of a path
description: Escapes as C(systemd-escape --path) does (systemd.unit(5), string escaping).
positional: kind
options:
  _input:
    description: An absolute path.
    required: true
    type: str
  kind:
    description: Kind of unit, such as V(mount) or V(device).
    required: true
    type: str
"""

EXAMPLES = r"""
- name: Show the mount unit of a folder
  ansible.builtin.debug:
    msg: "{{ '/srv/media-disk' | household.mediaserver.unit_name('mount') }}"
"""

RETURN = r"""
_value:
  description: The unit's name.
  type: str
  sample: srv-media\x2ddisk.mount
"""

import posixpath
from collections.abc import Callable

from ansible.errors import AnsibleFilterError

PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_."


def unit_name(path: str, kind: str) -> str:
    """Return the name of the unit of ``kind`` for ``path``. Raises AnsibleFilterError for a relative path."""
    if not path.startswith("/"):
        raise AnsibleFilterError(f"unit_name: {path!r} is not an absolute path")
    parts = posixpath.normpath(path).strip("/")
    if not parts:
        return f"-.{kind}"
    escaped = "".join(
        "-" if letter == "/" else letter if letter in PLAIN else "".join(f"\\x{byte:02x}" for byte in letter.encode())
        for letter in parts
    )
    if escaped.startswith("."):
        escaped = "\\x2e" + escaped[1:]
    return f"{escaped}.{kind}"


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"unit_name": unit_name}
