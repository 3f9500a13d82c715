# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs and modules work with every locale of the host, and without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import playbook
import pytest
from contract import Household

pytestmark = pytest.mark.faults

# The last one is not installed on the host, as when ssh sends the locale of a laptop.
LOCALES = ("", "LANG=C", "LC_ALL=C", "LC_ALL=POSIX", "LC_ALL=de_AT.UTF-8")
PROGRAMS = ("vpn-gateway plan", "vpn-gateway release", "vpn-verify --address-page {page} --target {target}")


@pytest.fixture(params=(LOCALES[2], LOCALES[-1]))
def locale(request: pytest.FixtureRequest, host: Any) -> Iterator[str]:
    """Set the locale of every login on the host, by pam_env(8)."""
    host.check_output(f"cp -a /etc/environment /etc/environment.kept; echo '{request.param}' > /etc/environment")
    yield request.param
    host.check_output("mv /etc/environment.kept /etc/environment")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: one.split(" -")[0])
@pytest.mark.parametrize("variable", LOCALES, ids=lambda one: one or "none")
def test_program_works_with_locale(host: Any, household: Household, program: str, variable: str) -> None:
    page, target = household["gateway_address_page"], household["gateway_verify_target"]
    command = f"{household['mediaserver_root']}/scripts/{program.format(page=page, target=target)}"
    done = host.run(f"env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin {variable} {command}")
    assert done.rc == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_run_changes_only_the_setting(inventory: str, locale: str) -> None:
    for extra in (["--extra-vars", json.dumps({"jellyfin_server_name": "Küche"})], []):
        result = playbook.run(inventory, *extra)
        assert result.ok, result.failures
        assert [task.name.rsplit(" : ")[-1] for task in result.changed] == ["Configure the server's settings"]
