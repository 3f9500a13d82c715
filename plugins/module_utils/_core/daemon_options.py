# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Options and return values that the modules for services share."""

from __future__ import annotations

import os
import re
import typing as t

from .docker import DockerClient
from .errors import InvalidValue
from .plan import Plan
from .supervisor import (
    ComposeService,
    Container,
    Supervisor,
    Unit,
    Unmanaged,
)

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# For AnsibleModule: a service is run by one of them.
ONE_SUPERVISOR: dict[str, t.Any] = {"mutually_exclusive": [("container", "service", "unit")]}


def supervisor_of(module: AnsibleModule) -> Supervisor:
    """Return what runs the service: the option container, service or unit, with stop_timeout. Raises InvalidValue."""

    def run(command: list[str]) -> tuple[int, str, str] | None:
        program = module.get_bin_path(command[0])
        if program is None:
            return None
        status, out, err = module.run_command([program, *command[1:]], environ_update={"LC_ALL": "C"})
        return status, out, err

    options = module.params
    for name in ("timeout", "stop_timeout"):
        # Docker takes a negative one for no limit.
        if options[name] < 1:
            raise InvalidValue(f"{name} must be at least one second")
    if options["service"]:
        timeout = options["stop_timeout"]
        return ComposeService(run, DockerClient(), options["project"], options["service"], stop_timeout=timeout)
    if options["container"]:
        return Container(run, options["container"], stop_timeout=options["stop_timeout"])
    return Unit(run, options["unit"]) if options["unit"] else Unmanaged()


def config_folder(options: dict[str, t.Any], *, check_mode: bool) -> str:
    """Return config_dir. It may be missing in check mode only, when an earlier task would create it."""
    folder: str = options["config_dir"]
    if not os.path.isabs(folder):
        raise InvalidValue(f"config_dir must be an absolute path, not {folder}")
    if not os.path.isdir(folder) and not check_mode:
        raise InvalidValue(f"config_dir {folder} does not exist; make it first, with the daemon's account as its owner")
    return folder


def octal(options: dict[str, t.Any]) -> int:
    """Return the option mode as a number."""
    if not re.fullmatch("0?[0-7]{3}", options["mode"]):
        raise InvalidValue(f"mode takes octal digits like 0600, not {options['mode']}")
    return int(options["mode"], 8)


def shown(plan: Plan) -> dict[str, t.Any]:
    """Return the part of the result that describes a plan, without secrets."""
    changes = {change.name: change.shown() for change in plan.changes}
    return {
        "changed": bool(plan),
        "changes": {name: {"before": before, "after": after} for name, (before, after) in changes.items()},
        "diff": plan.diff(),
    }
