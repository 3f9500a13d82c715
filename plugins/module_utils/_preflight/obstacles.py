# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of Docker's firewall rules and of policy routing."""

from __future__ import annotations

import typing as t

from .._core.obstacles import DAEMON_JSON, DOCKER_SWITCHES
from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
)

EFFECT = "Docker then makes no firewall rules, so the containers have no network"


def check_docker_settings(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    options = settings.get("docker_daemon_options")
    options = options if isinstance(options, t.Mapping) else {}
    for key in DOCKER_SWITCHES:
        if key in options and options[key] is False:
            yield problem(f"docker_daemon_options.{key}", f"it is false; {EFFECT}", f"remove {key} from the options")
    for found in facts.get("docker_switched_off", []):
        # The role docker overwrites the file's value with true.
        if any(options.get(key) is True and f'"{key}"' in found for key in DOCKER_SWITCHES):
            continue
        place = DAEMON_JSON if DAEMON_JSON in found else "docker.service"
        yield problem(place, f"found {found}; {EFFECT}", "remove it, and restart Docker")


def check_routing(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    del settings
    for found in facts.get("routing_captured", []):
        yield problem(
            "routing_captured",
            f"{found}, so neither the web interfaces nor the tunnel would receive replies",
            "remove the rule in the program that made it (Tailscale: `tailscale set --exit-node=`), or give table main "
            "precedence for the host's own networks: `ip rule add priority 1000 lookup main suppress_prefixlength 0`",
        )
