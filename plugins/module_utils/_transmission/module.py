# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Between the module's form and the use case: what the options mean, and what is returned."""

from __future__ import annotations

import os
import typing as t

from .._core.clock import Clock
from .._core.daemon_options import (
    config_folder,
    octal,
    shown,
    supervisor_of,
)
from .._core.json_file import JsonFile
from .._core.plan import Plan
from .._core.service_http import http_of
from .access import AccessFile
from .client import TransmissionClient
from .model import read_wanted
from .settings import (
    TransmissionOutcome,
    TransmissionSettings,
)
from .table import SECRETS

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def build(module: AnsibleModule, clock: Clock) -> TransmissionSettings:
    """Return the use case that the options describe."""
    options = module.params
    # First of all: Ansible hides them in whatever the module returns, in a failure too.
    given = {name.replace("_", "-"): value for name, value in options["settings"].items()}
    module.no_log_values.update(str(given[name]) for name in SECRETS if given.get(name))
    supervisor = supervisor_of(module)
    file = _file(options, check_mode=module.check_mode)
    wanted = read_wanted(
        options["settings"],
        username=options["username"] if file else "",
        password=options["password"] if file else "",
        allow_unknown=options["allow_unknown"],
    )
    return TransmissionSettings(
        wanted=wanted,
        client=TransmissionClient(
            http_of(options), options["url"], username=options["username"], password=options["password"]
        ),
        supervisor=supervisor,
        clock=clock,
        file=file,
        timeout=options["timeout"],
        recreate_damaged=options["on_damage"] == "recreate",
        trust_file=options["on_silence"] == "file",
        check_mode=module.check_mode,
    )


def run(module: AnsibleModule, clock: Clock) -> TransmissionOutcome:
    """Bring daemon and access file in line, in this order. Raises MediaserverError."""
    use_case = build(module, clock)
    access = AccessFile.from_options(module.params, check_mode=module.check_mode)
    outcome = use_case.run()
    changes = access.plan() if access else []
    outcome.plan = Plan((*changes, *outcome.plan.changes))
    if access and changes and not module.check_mode:
        access.write()
    return outcome


def present(outcome: TransmissionOutcome) -> dict[str, t.Any]:
    """Return the module's answer; nothing in it is secret."""
    return {
        **shown(outcome.plan),
        "daemon": outcome.daemon,
        "version": outcome.version,
        "stopped_for": outcome.stopped_for,
        "kept_aside": outcome.kept_aside,
    }


def _file(options: dict[str, t.Any], *, check_mode: bool) -> JsonFile | None:
    if not options["config_dir"]:
        return None
    path = os.path.join(config_folder(options, check_mode=check_mode), "settings.json")
    return JsonFile(path, owner=options["owner"], group=options["group"], mode=octal(options))
