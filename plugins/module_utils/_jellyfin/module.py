# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Common parts of the Jellyfin modules: options, client, API key and sync of the server's files."""

from __future__ import annotations

import contextlib
import platform
import typing as t

from .._core.clock import Clock
from .._core.errors import InvalidValue
from .._core.service_http import OPTIONS, http_of
from .._core.sync import sync_filesystem
from .client import JellyfinClient
from .key_file import is_key, load_key

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# Options of all Jellyfin modules, documented in the fragment _jellyfin.
SERVER: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "default": "http://127.0.0.1:8096"},
    "timeout": {"type": "int", "default": 180},
    **OPTIONS,
    "config_dir": {"type": "path"},
}
# Options of the modules that need a key, and the arguments of AnsibleModule for "exactly one".
API_KEY: dict[str, dict[str, t.Any]] = {
    **SERVER,
    "api_key": {"type": "str", "no_log": True},
    "api_key_file": {"type": "path", "no_log": False},
}
ONE_KEY: dict[str, t.Any] = {
    "mutually_exclusive": [("api_key", "api_key_file")],
    "required_one_of": [("api_key", "api_key_file")],
}


def make_client(module: AnsibleModule, program: str, clock: Clock) -> JellyfinClient:
    """Return a client without a key, whose DeviceId has the program's name. Raises InvalidValue."""
    options = module.params
    if options["timeout"] < 1:
        raise InvalidValue(f"timeout is {options['timeout']} s; set at least one second")
    return JellyfinClient(
        http_of(options),
        options["url"],
        client=program,
        device_id=device_id(program),
        clock=clock,
        timeout=options["timeout"],
    )


@contextlib.contextmanager
def syncing(module: AnsibleModule, client: JellyfinClient) -> t.Iterator[None]:
    """Sync the server's files after the body when it changed something, also when it failed."""
    try:
        yield
    finally:
        sync_changes(module, client)


def sync_changes(module: AnsibleModule, client: JellyfinClient) -> None:
    """Sync the server's files if they changed since the last sync."""
    if client.wrote:
        client.wrote = False
        sync_filesystem(module.params["config_dir"])


def use_key(module: AnsibleModule, client: JellyfinClient) -> None:
    """Set the client's token to the API key in the options. Raises FileProblem or InvalidValue."""
    options = module.params
    key = options["api_key"] or load_key(options["api_key_file"])
    # Before anything else, so that Ansible masks the key in every result, also in a failure.
    module.no_log_values.add(key)
    if not is_key(key):
        raise InvalidValue("api_key is not an API key; it has 8 to 256 letters, digits and signs, without blanks")
    client.token = key


def device_id(program: str) -> str:
    """Return a constant id for a program on this host, so that sessions do not accumulate."""
    return f"household.mediaserver.{program}@{platform.node() or 'localhost'}"
