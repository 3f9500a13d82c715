# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pi: account, kernel settings, journal, time zone."""

from __future__ import annotations

from typing import Any

from contract import Household


def test_account_has_fixed_ids_and_no_shell(host: Any, household: Household) -> None:
    user = host.user(household["mediaserver_user"])
    assert (user.uid, user.gid) == (household["mediaserver_uid"], household["mediaserver_gid"])
    assert user.shell == "/usr/sbin/nologin"
    assert "docker" not in user.groups


def test_no_unit_has_failed(host: Any) -> None:
    failed = host.check_output("systemctl list-units --state=failed --plain --no-legend")
    assert failed == ""


def test_sysctls_are_set_and_persistent(host: Any, household: Household) -> None:
    written = host.file("/etc/sysctl.d/60-mediaserver.conf").content_string.splitlines()
    live = []
    for name, value in household["host_sysctl"].items():
        assert f"{name} = {value}" in written
        # In a simulated Pi some of them are missing or read-only.
        if host.run(f"test -w /proc/sys/{name.replace('.', '/')}").rc == 0:
            live.append(name)
            assert host.check_output(f"sysctl --values {name}").split() == str(value).split(), name
    assert live, "no sysctl could be checked"


def test_journal_has_size_limit(host: Any) -> None:
    configuration = host.check_output("systemd-analyze cat-config systemd/journald.conf")
    lines = [line.strip() for line in configuration.splitlines()]
    assert any(line.startswith(("SystemMaxUse=", "RuntimeMaxUse=")) for line in lines)


def test_time_zone_is_set(host: Any, household: Household) -> None:
    assert host.check_output("readlink /etc/localtime") == f"/usr/share/zoneinfo/{household['mediaserver_timezone']}"
