# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What the Jellyfin modules have in common: options, the client they build, the key they need."""

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

# Options of every Jellyfin module; their documentation is the fragment _jellyfin.
SERVER: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "default": "http://127.0.0.1:8096"},
    "timeout": {"type": "int", "default": 180},
    **OPTIONS,
    "config_dir": {"type": "path"},
}
# And of those that need a key, with the two arguments for AnsibleModule that say "exactly one".
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
    """Return the client for this module, without a key; the program's name makes its DeviceId."""
    options = module.params
    if options["timeout"] < 1:
        raise InvalidValue("timeout must be at least one second")
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
    """Sync the server's files when the body has changed something, also when it failed half-way."""
    try:
        yield
    finally:
        sync_changes(module, client)


def sync_changes(module: AnsibleModule, client: JellyfinClient) -> None:
    """Sync what was changed since the last time."""
    if client.wrote:
        client.wrote = False
        sync_filesystem(module.params["config_dir"])


def use_key(module: AnsibleModule, client: JellyfinClient) -> None:
    """Give the client the key that the options name. Raises FileProblem or InvalidValue."""
    options = module.params
    key = options["api_key"] or load_key(options["api_key_file"])
    # First of all: Ansible hides it in whatever the module returns, in a failure too.
    module.no_log_values.add(key)
    if not is_key(key):
        raise InvalidValue("api_key is no API key: 8 to 256 letters, digits and signs, no blanks")
    client.token = key


def device_id(program: str) -> str:
    """Return the same id for the same program on the same host, so that sessions do not pile up."""
    return f"household.mediaserver.{program}@{platform.node() or 'localhost'}"
