# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Between the module's form and the use case: what the options mean, and what is returned."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.household.mediaserver.plugins.module_utils._errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._http import UrlHttp
from ansible_collections.household.mediaserver.plugins.module_utils._json_file import JsonFile
from ansible_collections.household.mediaserver.plugins.module_utils._supervisor import (
    Container,
    Nobody,
    Supervisor,
    Unit,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission_client import (
    Clock,
    TransmissionClient,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission_model import read_wanted
from ansible_collections.household.mediaserver.plugins.module_utils._transmission_settings import (
    Outcome,
    TransmissionSettings,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission_table import SECRETS

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def build(module: AnsibleModule, clock: Clock) -> TransmissionSettings:
    """Return the use case that the options describe."""
    options = module.params
    # First of all: Ansible hides them in whatever the module returns, in a failure too.
    given = {name.replace("_", "-"): value for name, value in options["settings"].items()}
    module.no_log_values.update(str(given[name]) for name in SECRETS if given.get(name))
    if options["container"] and options["unit"]:
        raise InvalidValue("container and unit are mutually exclusive: the daemon is run by one of them")
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
            UrlHttp(), options["url"], username=options["username"], password=options["password"]
        ),
        supervisor=_supervisor(module),
        clock=clock,
        file=file,
        timeout=options["timeout"],
        recreate_damaged=options["on_damage"] == "recreate",
        trust_file=options["on_silence"] == "file",
        check_mode=module.check_mode,
    )


def present(outcome: Outcome) -> dict[str, t.Any]:
    """Return the module's answer; nothing in it is secret."""
    shown = {change.name: change.shown() for change in outcome.plan.changes}
    return {
        "changed": bool(outcome.plan),
        "changes": {name: {"before": before, "after": after} for name, (before, after) in shown.items()},
        "daemon": outcome.daemon,
        "version": outcome.version,
        "stopped_for": outcome.stopped_for,
        "kept_aside": outcome.kept_aside,
        "diff": outcome.plan.diff(),
    }


def _file(options: dict[str, t.Any], *, check_mode: bool) -> JsonFile | None:
    folder = options["config_dir"]
    if not folder:
        return None
    if not os.path.isabs(folder):
        raise InvalidValue(f"config_dir must be an absolute path, not {folder}")
    if not os.path.isdir(folder) and not check_mode:
        raise InvalidValue(f"config_dir {folder} does not exist; make it first, with the daemon's account as its owner")
    try:
        mode = int(options["mode"], 8)
    except ValueError as error:
        raise InvalidValue(f"mode takes octal digits, not {options['mode']}") from error
    return JsonFile(os.path.join(folder, "settings.json"), owner=options["owner"], group=options["group"], mode=mode)


def _supervisor(module: AnsibleModule) -> Supervisor:
    def run(command: list[str]) -> tuple[int, str, str] | None:
        program = module.get_bin_path(command[0])
        if program is None:
            return None
        status, out, err = module.run_command([program, *command[1:]], environ_update={"LC_ALL": "C"})
        return status, out, err

    options = module.params
    if options["container"]:
        return Container(run, options["container"], stop_timeout=options["stop_timeout"])
    return Unit(run, options["unit"]) if options["unit"] else Nobody()
