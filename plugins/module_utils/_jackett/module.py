# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Builds the use case from the module's options, and the return values from its result."""

from __future__ import annotations

import os
import secrets
import string
import typing as t

from .._core.clock import Clock
from .._core.daemon_options import (
    config_folder,
    octal,
    shown,
    supervisor_of,
)
from .._core.errors import InvalidValue
from .._core.json_file import JsonFile
from .._core.owned_file import OwnedFile
from .._core.service_http import http_of
from .client import JackettClient
from .model import canonical, read_wanted
from .settings import (
    JackettSettings,
    SettingsResult,
)
from .table import SECRETS
from .values import KEY

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

LETTERS = string.ascii_lowercase + string.digits


def build(module: AnsibleModule, clock: Clock) -> JackettSettings:
    """Return the use case for the options. Raises InvalidValue and FileProblem."""
    options = module.params
    # Before anything else, so that Ansible masks the secrets in every result, also in a failure.
    given = {canonical(name): value for name, value in options["settings"].items()}
    module.no_log_values.update(str(given[name]) for name in SECRETS if given.get(name))
    supervisor = supervisor_of(module)
    path = os.path.join(config_folder(options, check_mode=module.check_mode), "ServerConfig.json")
    return JackettSettings(
        wanted=read_wanted(options["settings"], allow_unknown=options["allow_unknown"]),
        password=_password(options["admin_password"]),
        file=JsonFile(path, owner=options["owner"], group=options["group"], mode=octal(options)),
        client=JackettClient(http_of(options), options["url"]),
        supervisor=supervisor,
        clock=clock,
        make_key=make_key,
        api_key=_key(options["api_key"]),
        key_file=_key_file(options["api_key_file"], check_mode=module.check_mode),
        timeout=options["timeout"],
        recreate_damaged=options["on_damage"] == "recreate",
        check_mode=module.check_mode,
    )


def present(result: SettingsResult) -> dict[str, t.Any]:
    """Return the module's return values, without secrets."""
    return {
        **shown(result.plan),
        "daemon": result.daemon,
        "stopped_for": result.stopped_for,
        "kept_aside": result.kept_aside,
    }


def make_key(length: int) -> str:
    """Return a random key of lower-case letters and digits, as Jackett generates it."""
    return "".join(secrets.choice(LETTERS) for _letter in range(length))


def _password(plain: str) -> str:
    if not plain.strip():
        raise InvalidValue("admin_password is empty, so Jackett would be open to every client; set a password")
    return plain


def _key(given: str) -> str:
    if given and not KEY.fullmatch(given):
        raise InvalidValue("api_key must have 16 to 128 letters, digits, - and _, because it is used in URLs")
    return given


def _key_file(path: str | None, *, check_mode: bool) -> OwnedFile | None:
    if not path:
        return None
    if not os.path.isabs(path):
        raise InvalidValue(f"api_key_file must be an absolute path, not {path}")
    if not os.path.isdir(os.path.dirname(path)) and not check_mode:
        # Checked before Jackett is stopped.
        raise InvalidValue(f"api_key_file {path}: its folder does not exist; create it first")
    return OwnedFile(path)
