# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Between the module's form and the use case: what the options mean, and what is returned."""

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
    Outcome,
)
from .table import SECRETS
from .values import KEY

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

LETTERS = string.ascii_lowercase + string.digits


def build(module: AnsibleModule, clock: Clock) -> JackettSettings:
    """Return the use case that the options describe."""
    options = module.params
    # First of all: Ansible hides them in whatever the module returns, in a failure too.
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


def present(outcome: Outcome) -> dict[str, t.Any]:
    """Return the module's answer; nothing in it is secret."""
    return {
        **shown(outcome.plan),
        "daemon": outcome.daemon,
        "stopped_for": outcome.stopped_for,
        "kept_aside": outcome.kept_aside,
    }


def make_key(length: int) -> str:
    """Return a key like those that Jackett makes."""
    return "".join(secrets.choice(LETTERS) for _letter in range(length))


def _password(plain: str) -> str:
    if not plain.strip():
        raise InvalidValue("admin_password is empty: without a password Jackett is open to everybody who can reach it")
    return plain


def _key(given: str) -> str:
    if given and not KEY.fullmatch(given):
        raise InvalidValue("api_key takes 16 to 128 letters, digits, - and _, because it becomes part of addresses")
    return given


def _key_file(path: str | None, *, check_mode: bool) -> OwnedFile | None:
    if not path:
        return None
    if not os.path.isabs(path):
        raise InvalidValue(f"api_key_file must be an absolute path, not {path}")
    if not os.path.isdir(os.path.dirname(path)) and not check_mode:
        # Found out before Jackett is stopped.
        raise InvalidValue(f"api_key_file {path}: its folder does not exist; make it first")
    return OwnedFile(path)
