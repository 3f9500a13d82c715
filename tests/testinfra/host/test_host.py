# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pi itself."""

from __future__ import annotations

from typing import Any

from contract import Household


def test_the_account_has_the_fixed_numbers_and_no_way_to_root(host: Any, house: Household) -> None:
    user = host.user(house["mediaserver_user"])
    assert (user.uid, user.gid) == (house["mediaserver_uid"], house["mediaserver_gid"])
    assert user.shell == "/usr/sbin/nologin"
    assert "docker" not in user.groups


def test_the_system_booted_without_a_failed_unit(host: Any) -> None:
    failed = host.check_output("systemctl list-units --state=failed --plain --no-legend")
    assert failed == ""


def test_every_sysctl_is_live_and_survives_a_reboot(host: Any, house: Household) -> None:
    written = host.file("/etc/sysctl.d/60-mediaserver.conf").content_string.splitlines()
    live = []
    for name, value in house["host_sysctl"].items():
        assert f"{name} = {value}" in written
        # A simulated Pi's kernel lacks some of them, and lets others only be read.
        if host.run(f"test -w /proc/sys/{name.replace('.', '/')}").rc == 0:
            live.append(name)
            assert host.check_output(f"sysctl --values {name}").split() == str(value).split(), name
    assert live, "not one could be checked"


def test_the_journal_is_bounded(host: Any) -> None:
    configuration = host.check_output("systemd-analyze cat-config systemd/journald.conf")
    lines = [line.strip() for line in configuration.splitlines()]
    assert any(line.startswith(("SystemMaxUse=", "RuntimeMaxUse=")) for line in lines)


def test_the_time_zone_is_the_households(host: Any, house: Household) -> None:
    assert host.check_output("readlink /etc/localtime") == f"/usr/share/zoneinfo/{house['mediaserver_timezone']}"
