# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: preflight_problems
short_description: List everything that prevents the setup of a household on a host
version_added: 0.1.0
description:
  - Compares the measurements of M(household.mediaserver.host_info) with the variables.
  - Returns all problems at once.
  - Values of secret variables are checked, but never part of a problem.
author:
  - household.mediaserver contributors (@household)
positional: settings, specs
options:
  _input:
    description: The fact C(mediaserver_host).
    type: dict
    required: true
  settings:
    description: Variables by name. Checks whose variables are missing are skipped.
    type: dict
    required: true
  specs:
    description: Options of the roles' argument specs, which the variables must match as well.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the problems
  ansible.builtin.debug:
    msg: "{{ ansible_facts['mediaserver_host'] | household.mediaserver.preflight_problems(settings) }}"
"""

RETURN = r"""
_value:
  description: The problems, each with C(level) (C(problem), C(warning) or C(note)), C(variable), C(problem), C(remedy)
    and C(text), the whole in one line. A note has no remedy.
  type: list
  elements: dict
  sample:
    - level: problem
      variable: os
      problem: found debian 12, not Debian 13
      remedy: install Raspberry Pi OS or Debian 13 (trixie)
      text: 'os: found debian 12, not Debian 13. Remedy: install Raspberry Pi OS or Debian 13 (trixie).'
"""

import typing as t

from ansible_collections.household.mediaserver.plugins.module_utils._preflight.problem import with_text
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.config import (
    ConfigurationError,
    from_conf,
    from_fields,
)


def read_tunnel(settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the tunnel as C(tunnel), or its faults as C(tunnel_faults); nothing where no setting describes one."""
    # Not stripped, so that line numbers are those of the user's text.
    text = str(settings.get("gateway_provider_config") or "")
    endpoints = settings.get("gateway_endpoints")
    ipv6, dns = bool(settings.get("mediaserver_ipv6", False)), settings.get("gateway_dns") or []
    mtu = settings.get("gateway_mtu") or 0
    try:
        if text.strip():
            return {"tunnel": from_conf(text, ipv6=ipv6, dns=dns, mtu=mtu)}
        if endpoints and isinstance(endpoints, list):
            found = from_fields(
                endpoints,
                private_key=settings.get("gateway_private_key") or "",
                addresses=settings.get("gateway_addresses") or [],
                dns=dns,
                mtu=mtu,
                ipv6=ipv6,
            )
            return {"tunnel": found}
    except ConfigurationError as error:
        return {
            "tunnel_faults": [
                {"variable": str(fault.place), "problem": fault.problem, "remedy": fault.remedy}
                for fault in error.faults
            ]
        }
    return {}


def preflight_problems(
    facts: t.Mapping[str, t.Any],
    settings: t.Mapping[str, t.Any],
    specs: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
) -> list[dict[str, str]]:
    """Return all problems, warnings and notes, those of the argument specs first."""
    # Here, because Ansible loads every filter of the collection in each process that uses one of them.
    from ansible_collections.household.mediaserver.plugins.module_utils._preflight.arguments import (  # noqa: PLC0415
        validate_arguments,
    )
    from ansible_collections.household.mediaserver.plugins.module_utils._preflight.checks import (  # noqa: PLC0415
        find_problems,
    )
    from ansible_collections.household.mediaserver.plugins.module_utils._preflight.own_services import (  # noqa: PLC0415
        secret_texts,
    )
    from ansible_collections.household.mediaserver.plugins.plugin_utils import _services_file  # noqa: PLC0415

    problems, valid = validate_arguments(settings, specs or {})
    known = {**valid, **read_tunnel(valid), "preflight_registry": _services_file.read()}
    problems += find_problems(facts, {**known, "preflight_secrets": secret_texts(known, specs or {})})
    return [with_text(problem) for problem in problems]


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"preflight_problems": preflight_problems}
